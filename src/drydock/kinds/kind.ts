import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import type { TypeRef } from '../merge/type.ts';
import type { Printer } from '../tables/column.ts';
import type { FieldError } from '../machinery/status-errors.ts';

/** What a hook may need to know beyond the object. */
export interface WriteContext {
  /** RFC 3339, seconds. */
  readonly timestamp: string;
  /** Another stored object, read only. */
  lookup(
    group: string,
    resource: string,
    namespace: string | undefined,
    name: string,
  ): KubeObject | undefined;
  all(group: string, resource: string): Iterable<KubeObject>;
  /** Whether a Service has this address already. */
  isServiceAddress(address: string): boolean;
  /** Sent to the client as a Warning header. */
  warn(text: string): void;
}

/**
 * What is particular to a kind beyond its type. Every hook gets an object of its own to change; all run on the typed,
 * defaulted form. The order: defaults, prepare, validate.
 */
export interface KindRules {
  /** Fills what the client left out; on creation and on every update, as Kubernetes does. */
  defaults?(object: KubeObject): void;
  prepareCreate?(object: KubeObject, context: WriteContext): void;
  prepareUpdate?(object: KubeObject, old: KubeObject, context: WriteContext): void;
  /** After the object is accepted and before it is stored: addresses and ports. */
  allocate?(object: KubeObject, old: KubeObject | undefined, context: WriteContext): void;
  validate?(object: KubeObject): readonly FieldError[];
  /** `trusted` for the cluster's own parts, which may bind a pod to a node. */
  validateUpdate?(object: KubeObject, old: KubeObject, trusted: boolean): readonly FieldError[];
  /** A field that field selectors may name, beyond metadata.name and metadata.namespace. */
  selectField?(object: KubeObject, field: string): string | undefined;
  /** The names that selectField knows. */
  readonly selectableFields?: readonly string[];
}

export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** Where the selector is: a label selector object, a map of labels, or a string. */
  readonly selector: readonly string[] | undefined;
}

/** A served resource: a kind in one version, and where and how it is kept. */
export interface ResourceKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Plural, as in the URL. */
  readonly resource: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** The type in the tables of `schema/`; undefined for custom resources. */
  readonly typeId: string | undefined;
  /** Kinds that share a table share their objects: the versions of one resource. */
  readonly table: string;
  readonly status: boolean;
  readonly scale: ScalePaths | undefined;
  /** metadata.generation rises with spec; kinds without it never show one. */
  readonly generation: boolean;
  readonly rules: KindRules;
  /** From and to the stored version; absent where they are the same. */
  readonly convert?: {
    readonly fromStored: (object: KubeObject) => KubeObject;
    readonly toStored: (object: KubeObject) => KubeObject;
  };
  readonly custom?: CustomKind;
}

/** What a CustomResourceDefinition adds. */
export interface CustomKind {
  /** Changes with the definition. */
  readonly identity: string;
  /** How its objects merge. */
  readonly mergeType: TypeRef;
  /** Defaults and pruning; the names of pruned fields come back. */
  normalize(object: KubeObject): { readonly object: KubeObject; readonly problems: readonly string[] };
  validate(object: KubeObject, old: KubeObject | undefined): readonly FieldError[];
  /** The schema as OpenAPI 3 has it; `meta` is the reference to ObjectMeta. */
  openApi(meta: string): JsonObject;
  /** The columns of `kubectl get`, where the definition has some. */
  readonly printer?: Printer;
}

export function apiVersionOf(kind: { readonly group: string; readonly version: string }): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}

export const ALL_VERBS = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
] as const;
