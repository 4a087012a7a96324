import type { JsonObject } from '../../kernel/index.ts';
import type { User } from './write-request.ts';

/** What somebody wants to do: with a resource, or with a path that is none. */
export type Question =
  | {
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
      readonly path?: undefined;
    }
  | { readonly verb: string; readonly path: string };

export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Who somebody is, and what they may do. */
export interface Authorizer {
  authenticate(token: string): User | undefined;
  decide(user: User, question: Question): Decision;
  rulesFor(
    user: User,
    namespace: string,
  ): { readonly resourceRules: readonly JsonObject[]; readonly nonResourceRules: readonly JsonObject[] };
}
