import type { JsonValue } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';

/** A file and line that set a field, and the value that it had from there on. */
export interface FieldSource {
  readonly file: string;
  readonly line: number;
  readonly value: JsonValue;
  /** The transformation that set it: `images`, `patch`; undefined for the manifest itself. */
  readonly by?: string;
}

/** One object that Git asks for, with its namespace filled in, and where each of its fields comes from. */
export interface RenderedFacts {
  readonly object: KubeObject;
  /** Newest first: what set the field, then what it overrode; empty for a field that no file sets. */
  readonly why: (path: readonly (string | number)[]) => readonly FieldSource[];
}

/** `k8s/overlays/prod/kustomization.yaml:8` */
export function whereSet(facts: RenderedFacts, path: readonly (string | number)[]): string | undefined {
  const newest = facts.why(path)[0];
  return newest && `${newest.file}:${newest.line}`;
}
