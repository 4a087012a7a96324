import { getIn, isJsonObject } from '../kernel/index.ts';
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
  /** Whether a value was put in from a Secret, whatever the kind of the object; left out where none was. */
  readonly hidden?: ((path: readonly (string | number)[]) => boolean) | undefined;
  /** It is made once and left alone after that: it has to be there, whatever it says. */
  readonly seed?: true;
}

/** True where neither the value that is asked for nor the one that is stored may be shown. */
export function isHidden(
  { object, hidden }: { readonly object: KubeObject; readonly hidden?: RenderedFacts['hidden'] | undefined },
  path: readonly (string | number)[],
): boolean {
  return object.kind === 'Secret' || hidden?.(path) === true;
}

/** Marks the fields of rendered objects in which one of these texts stands. */
export function hiding(facts: RenderedFacts, secrets: readonly string[]): RenderedFacts {
  if (secrets.length === 0) return facts;
  return { ...facts, hidden: (path) => holdsAny(getIn(facts.object, ...path), secrets) };
}

function holdsAny(value: JsonValue | undefined, secrets: readonly string[]): boolean {
  if (typeof value === 'string') return secrets.some((secret) => value.includes(secret));
  if (typeof value === 'number') return secrets.includes(String(value));
  if (Array.isArray(value)) return value.some((item) => holdsAny(item, secrets));
  return isJsonObject(value) && Object.values(value).some((item) => holdsAny(item, secrets));
}

/** `k8s/overlays/prod/kustomization.yaml:8` */
export function whereSet(facts: RenderedFacts, path: readonly (string | number)[]): string | undefined {
  const newest = facts.why(path)[0];
  return newest && `${newest.file}:${newest.line}`;
}
