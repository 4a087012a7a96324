import { asLandfallError } from '../kernel/index.ts';
import type { LandfallError } from '../kernel/index.ts';
import { refOf, statusBehind } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { droppedFields, isEmptySet, withoutFields } from './client-side-apply.ts';
import { FIELD_MANAGER } from './field-manager.ts';
import { schemaProblems } from './definition-schema.ts';
import { withoutValues } from './field-changes.ts';
import { definitionOf } from './order.ts';
import type { PlanCheck } from './plan.ts';
import { patchTo } from './restoration.ts';
import { isOutage, reasonOf } from './trouble.ts';

/** What the API server says about an object before anything is written. */
export type DryRun =
  | {
      readonly state: 'accepted';
      readonly checked: PlanCheck;
      /** As it would be stored; undefined where it was only asked elsewhere. */
      readonly predicted: KubeObject | undefined;
      readonly created: boolean;
      readonly notes: readonly string[];
      readonly warnings: readonly string[];
    }
  | {
      readonly state: 'refused';
      readonly message: string;
      readonly path: readonly (string | number)[] | undefined;
      readonly why: 'invalid' | 'immutable' | 'denied' | 'schema' | 'no-namespace' | 'no-kind';
    };

/** The object is another one than was seen: nothing is known of the one that is there now. */
export interface Moved {
  readonly state: 'moved';
  readonly message: string;
}

export interface DryRunContext {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  /** Everything that is applied together. */
  readonly set: readonly KubeObject[];
  /** Namespaces that come with the set. */
  readonly coming: ReadonlySet<string>;
}

/** Asks about one object as it will be applied; throws when nothing can be known because nobody answers. */
export async function dryRun(object: KubeObject, context: DryRunContext): Promise<DryRun> {
  try {
    const { object: predicted, outcome, warnings } = await ask(object, context);
    const created = outcome === 'created';
    return { state: 'accepted', checked: 'dry-run', predicted, created, notes: [], warnings };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' || error.kind === 'bug' || isOutage(error)) throw error;
    if (error.code === 'kube-unauthorized') throw error;
    const definition = definitionOf(object, context.set);
    if (error.code === 'kind-unknown') {
      return definition === undefined ? noKind(object, error) : byDefinition(object, definition);
    }
    const { namespace } = object.metadata;
    if (error.kind === 'not-found' && namespace !== undefined) {
      return context.coming.has(namespace)
        ? elsewhere(object, 'default', context, `its namespace ${namespace} comes with this set`)
        : {
            state: 'refused',
            why: 'no-namespace',
            message: reasonOf(error),
            path: ['metadata', 'namespace'],
          };
    }
    // The definition changes with the set, and what is stored of it may not know these fields yet.
    if (definition !== undefined && error.kind === 'invalid-input') return byDefinition(object, definition);
    return refusal(object, error);
  }
}

/**
 * What a client-side apply put there and the set no longer asks for goes as well: the answer without it, if the API
 * server takes that. `moved` where the object, if only its status, was written since it was seen.
 */
export async function withoutDropped(
  dry: DryRun,
  desired: KubeObject,
  before: KubeObject,
  { client, signal }: DryRunContext,
): Promise<DryRun | Moved> {
  if (dry.state !== 'accepted' || dry.predicted === undefined) return dry;
  const dropped = droppedFields(before, desired);
  if (isEmptySet(dropped)) return dry;
  const predicted = withoutFields(dry.predicted, dropped) as KubeObject;
  const operations = patchTo(before, predicted);
  if (operations.length === 0) return dry;
  try {
    const options = { fieldManager: FIELD_MANAGER, dryRun: true };
    const { metadata, ...object } = await client.patch(refOf(before), 'json', operations, options, signal);
    const managedFields = dry.predicted.metadata.managedFields ?? [];
    return { ...dry, predicted: { ...object, metadata: { ...metadata, managedFields } } };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' || error.kind === 'bug' || isOutage(error)) throw error;
    if (error.kind === 'conflict') return { state: 'moved', message: reasonOf(error) };
    return refusal(desired, error);
  }
}

function ask(object: KubeObject, { client, signal }: DryRunContext) {
  return client.apply(
    object,
    { fieldManager: FIELD_MANAGER, force: true, dryRun: true, before: null },
    signal,
  );
}

function noKind(object: KubeObject, error: LandfallError): DryRun {
  return {
    state: 'refused',
    why: 'no-kind',
    message: `the cluster serves no ${object.kind} of ${object.apiVersion}, and the set brings no definition of it`,
    path: error.code === '' ? undefined : ['kind'],
  };
}

function byDefinition(object: KubeObject, definition: KubeObject): DryRun {
  const [problem, ...more] = schemaProblems(object, definition);
  if (problem === undefined) {
    const note = `checked against ${definition.metadata.name} of this set; by the API server once that is there`;
    return {
      state: 'accepted',
      checked: 'definition',
      predicted: undefined,
      created: true,
      notes: [note],
      warnings: [],
    };
  }
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
  const field = problem.path.map(String).join('.');
  return {
    state: 'refused',
    why: 'schema',
    message: `${field === '' ? '' : `${field}: `}${problem.message}, says ${definition.metadata.name} of this set${rest}`,
    path: problem.path,
  };
}

/**
 * The same object where it can be asked about: under another name, in a namespace that is there. What is wrong with
 * the object is wrong there too; a quota, a limit or a missing permission of that place says nothing about it.
 */
export async function elsewhere(
  object: KubeObject,
  namespace: string | undefined,
  context: DryRunContext,
  why: string,
): Promise<DryRun> {
  const name = `landfall-dry-run-${object.metadata.name}`.slice(0, object.kind === 'Service' ? 63 : 253);
  const { uid: _uid, resourceVersion: _version, ...metadata } = object.metadata;
  const moved: KubeObject = {
    ...object,
    metadata: { ...metadata, name, ...(namespace === undefined ? {} : { namespace }) },
  };
  const accepted = (note: string): DryRun => ({
    state: 'accepted',
    checked: 'elsewhere',
    predicted: undefined,
    created: true,
    notes: [note],
    warnings: [],
  });
  try {
    await ask(moved, context);
    return accepted(`asked under another name, as ${why}`);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' || error.kind === 'bug' || isOutage(error)) throw error;
    if (error.kind === 'invalid-input') return refusal(object, error);
    return accepted(`can only be asked about once it is its turn, as ${why}`);
  }
}

function refusal(object: KubeObject, error: LandfallError): DryRun {
  const message = withoutValues(reasonOf(error), object);
  return { state: 'refused', why: whyRefused(error, message), message, path: fieldIn(error) };
}

/** A quota, a policy or a webhook answers 403 as well as a missing permission does; only the last one names a user. */
function whyRefused(error: LandfallError, message: string): 'denied' | 'immutable' | 'invalid' {
  if (error.kind === 'denied' && /\bUser "[^"]*" cannot /.test(message)) return 'denied';
  return /field is immutable|may not be changed/.test(message) ? 'immutable' : 'invalid';
}

/** The first field that the server complains about, as steps: `spec.ports[0].port`. */
function fieldIn(error: LandfallError): readonly (string | number)[] | undefined {
  const causes = statusBehind(error)?.details['causes'];
  const [cause] = Array.isArray(causes) ? causes : [];
  const named = typeof cause === 'object' && cause !== null && 'field' in cause ? cause['field'] : undefined;
  const text =
    typeof named === 'string'
      ? named
      : /(?:field )?"?(\.?(?:spec|data|metadata)\.[\w.[\]]+)/.exec(error.message)?.[1];
  if (text === undefined || text === '' || text === '<nil>') return undefined;
  return text
    .replace(/^\./, '')
    .split(/\.|(?=\[)/)
    .map((step) => (/^\[\d+\]$/.test(step) ? Number(step.slice(1, -1)) : step.replaceAll(/^\[|\]$/g, '')));
}
