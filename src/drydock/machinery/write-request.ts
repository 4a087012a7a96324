import type { ResourceKind } from '../kinds/kind.ts';

/** Who asks. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
}

export const ADMIN: User = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** One write, as every step from decoding to storing sees it. */
export interface WriteRequest {
  readonly kind: ResourceKind;
  readonly namespace: string | undefined;
  readonly subresource: string | undefined;
  readonly user: User;
  /** '' when the client named none and its user agent is to be used. */
  readonly fieldManager: string;
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  readonly force: boolean;
  /** Asked by a part of the cluster in this process. */
  readonly trusted: boolean;
  /** Becomes a Warning header. */
  warn(text: string): void;
}
