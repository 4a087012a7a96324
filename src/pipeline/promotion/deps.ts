import type { CommitAuthor } from '../../git/index.ts';
import type { Clock } from '../../kernel/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import type { Forge } from '../forge/index.ts';
import type { Look, Question } from '../../verdict/index.ts';
import type { SurveyedApplication } from './survey.ts';

/** What carrying a change out works with. */
export interface ChangeDeps {
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Who commits. */
  readonly author: CommitAuthor;
  /** Folder that checks run in. */
  readonly cwd: string;
  readonly questionFor: (application: SurveyedApplication) => Question;
  /** Lets the delivery engine look at Git now; what it does not do is waited for. */
  readonly nudge: (application: SurveyedApplication, signal: AbortSignal) => Promise<void>;
  /** Keeps what a look has seen. */
  readonly remember: (application: SurveyedApplication, look: Look) => Promise<void>;
  /** Where pull requests of a repository are. Default: the host of its URL, with the token of the environment. */
  readonly forgeFor?: (repository: string) => Forge;
  /** What is being done, for somebody who waits. */
  readonly onStep: (text: string) => void;
}
