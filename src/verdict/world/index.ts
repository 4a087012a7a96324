/** What rules look at: one model of facts, filled from a live cluster or from pasted artifacts. */
export { readWorld } from './live.ts';
export { desiredObject, eventIn, liveObject } from './objects.ts';
export { ownerName, sameCommit, sameDigest, sameVersion } from './same.ts';
export type {
  AnswerFact,
  BuildFact,
  CommitFact,
  DigestFact,
  EngineFact,
  EventFact,
  LogLine,
  MetricSample,
  SourceFile,
  World,
  WorldObject,
} from './world.ts';
