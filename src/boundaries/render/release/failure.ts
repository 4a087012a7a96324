import { LandfallError } from '../../../kernel/index.ts';

/** What Flux says in a condition of a reconciliation that did not come to its end. */
export interface FluxFailure {
  readonly reason: string;
  readonly message: string;
  /** Ms; left out: the retry interval. */
  readonly again?: number;
  readonly stalled?: boolean;
  readonly type?: 'Normal' | 'Warning';
}

/** An error that carries what the status says of it. */
export function fluxFailure(failure: FluxFailure): LandfallError & { readonly failure: FluxFailure } {
  const error = new LandfallError(failure.message, { kind: 'invalid-input', code: 'flux-failure' });
  return Object.assign(error, { failure });
}
