export { fieldDifferences, fieldPath } from './compare.ts';
export type { FieldDifference } from './compare.ts';
export { autoscaling, decideLive } from './decide.ts';
export type { LiveSubject } from './decide.ts';
export { writersOf, writtenAt } from './managers.ts';
export type { FieldWriter } from './managers.ts';
export { objectKey, takeSnapshot } from './snapshot.ts';
export type { ClusterSnapshot, NamespaceFacts } from './snapshot.ts';
