/** What rules look at: one model of facts, filled from a live cluster or from pasted artifacts. */
export { readWorld } from './live.ts';
export { desiredObject, liveObject } from './objects.ts';
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
