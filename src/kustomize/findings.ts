import type { JsonValue } from '../kernel/index.ts';

/**
 * Something about a render that is most likely not what was meant, although the render is valid:
 * - `no-match`: an images entry, patch, replica count or replacement that changes no object;
 * - `container-added`: a patch that adds a container, where a name close to it exists: a mistyped name;
 * - `selector-without-pods`: a Service whose selector is on no rendered pod template;
 * - `overridden`: a line that has no effect, because another one of the same kustomization sets the same field;
 * - `reaches-further`: a change that reaches an environment it is not meant for. Only `reachOf` finds these.
 */
export type FindingKind =
  | 'no-match'
  | 'container-added'
  | 'selector-without-pods'
  | 'overridden'
  | 'reaches-further';

export interface RenderFinding {
  readonly kind: FindingKind;
  /** One sentence, for people. */
  readonly message: string;
  readonly file: string;
  /** 1-based; 0 where no line is known. */
  readonly line: number;
  /** The object it is about, as `Deployment/api` or `Deployment/shop/api`. */
  readonly object?: string;
  readonly path?: string;
  readonly value?: JsonValue;
}
