import type {
  AnswerFact,
  BuildFact,
  CommitFact,
  DigestFact,
  EngineFact,
  EventFact,
  LogLine,
  MetricSample,
  SourceFile,
  WorldObject,
} from '../verdict/index.ts';
import type { TextLine } from './block.ts';

/** What one reader found in a block. */
export interface Facts {
  readonly live?: readonly WorldObject[];
  readonly desired?: readonly WorldObject[];
  readonly files?: readonly SourceFile[];
  readonly events?: readonly EventFact[];
  readonly logs?: readonly LogLine[];
  readonly samples?: readonly MetricSample[];
  readonly builds?: readonly BuildFact[];
  readonly commits?: readonly CommitFact[];
  readonly digests?: readonly DigestFact[];
  readonly engines?: readonly EngineFact[];
  readonly answers?: readonly AnswerFact[];
}

export interface Reading {
  readonly facts: Facts;
  /** Lines that this reader did not understand; somebody else may. */
  readonly rest: readonly TextLine[];
}
