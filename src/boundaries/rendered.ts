import type { KubeObject } from '../kube/index.ts';

/** One object that Git asks for, with its namespace filled in, and where each of its fields comes from. */
export interface RenderedFacts {
  readonly object: KubeObject;
  /** The newest file and line that set the field; undefined for one that no file sets. */
  readonly why: (
    path: readonly (string | number)[],
  ) => { readonly file: string; readonly line: number } | undefined;
}
