import { applicationSpec, isFlux, isHook } from '../../boundaries/index.ts';
import { asLandfallError, getArray, getIn } from '../../kernel/index.ts';
import type { LandfallError } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { ObjectChange } from '../../kustomize/index.ts';
import type { ApplicationSpec } from '../../verdict/index.ts';

/** What the API server says of objects that would be written. */
export interface ServerAnswer {
  /** Objects that it would not take, with its reason. */
  readonly refused: readonly string[];
  /** Why it was not asked about something. */
  readonly unasked: readonly string[];
}

const MANAGER = 'landfall-rollback';
/** A rollback touches a few objects; a render of thousands is not sent twice. */
const MOST_ASKED = 100;

/** Whether the application is delivered to the cluster that is asked. */
function runsHere(kube: KubeClient, { object }: ApplicationSpec): boolean {
  if (isFlux(object)) return getIn(object, 'spec', 'kubeConfig') === undefined;
  const { server = '', name = '' } = applicationSpec(object).destination;
  return server === 'https://kubernetes.default.svc' || name === 'in-cluster' || server === kube.server;
}

function replaces(options: string): boolean {
  return /(?:^|,)\s*(?:Replace|Force)=true\s*(?:,|$)/.test(options);
}

/** What is deleted and made anew has no field that cannot change. */
function isRecreated(object: KubeObject, { object: application }: ApplicationSpec): boolean {
  if (isHook(object)) return true;
  const annotations = object.metadata.annotations ?? {};
  if (isFlux(application))
    return (
      getIn(application, 'spec', 'force') === true ||
      annotations['kustomize.toolkit.fluxcd.io/force'] === 'enabled'
    );
  const whole = getArray(application, 'spec', 'syncPolicy', 'syncOptions');
  return (
    replaces(annotations['argocd.argoproj.io/sync-options'] ?? '') ||
    whole.some((option) => typeof option === 'string' && replaces(option))
  );
}

/** A policy answers 403 as well as a missing permission does; only the latter names a user. */
function mayNotAsk(error: LandfallError): boolean {
  return (
    (error.kind === 'denied' && /\bUser "[^"]*" cannot /.test(error.message)) ||
    error.code === 'kube-unauthorized'
  );
}

/** A webhook that changes other things cannot be asked without doing it. */
function cannotBeAsked(error: LandfallError): boolean {
  return /does not support dry run/.test(error.message);
}

/**
 * Asks the API server about every object that would change, by a dry run: it knows which fields cannot change and what
 * its policies refuse, of kinds that nobody here has heard of, too. What it cannot be asked about is said, and refuses
 * nothing.
 */
export async function askServer(
  kube: KubeClient,
  spec: ApplicationSpec,
  changes: readonly ObjectChange[],
  after: readonly KubeObject[],
  signal: AbortSignal,
): Promise<ServerAnswer> {
  const changed = changes.filter(({ change }) => change === 'changed');
  if (changed.length === 0) return { refused: [], unasked: [] };
  if (!runsHere(kube, spec))
    return { refused: [], unasked: [`${spec.name} is delivered to another cluster, which was not asked.`] };
  const refused: string[] = [];
  const unasked: string[] = [];
  const wanted = after.filter(
    (object) =>
      !isRecreated(object, spec) &&
      changed.some(
        ({ kind, name, namespace }) =>
          kind === object.kind &&
          name === object.metadata.name &&
          namespace === (object.metadata.namespace ?? ''),
      ),
  );
  if (wanted.length > MOST_ASKED)
    unasked.push(`The API server was asked about ${MOST_ASKED} of ${wanted.length} objects.`);
  for (const object of wanted.slice(0, MOST_ASKED)) {
    const name = `${object.kind}/${object.metadata.name}`;
    try {
      const { namespaced } = await kube.resource(object, signal);
      const namespace = object.metadata.namespace ?? spec.destination;
      await kube.apply(
        namespaced ? { ...object, metadata: { ...object.metadata, namespace } } : object,
        { fieldManager: MANAGER, force: true, dryRun: true, fieldValidation: 'Ignore', before: null },
        signal,
      );
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asLandfallError(thrown);
      const says = error.kind === 'invalid-input' || error.kind === 'denied';
      if (error.kind === 'not-found' || error.code === 'kind-unknown') continue;
      if (!says || mayNotAsk(error) || cannotBeAsked(error))
        unasked.push(`The API server was not asked about ${name}: ${error.message}`);
      // Its reason quotes values.
      else refused.push(object.kind === 'Secret' ? name : `${name}: ${error.message}`);
    }
  }
  return { refused, unasked };
}
