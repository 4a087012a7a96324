import { asLandfallError, getArray, getIn, getObject, getString, jsonEqual } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { ociDigest } from '../../boundaries/render/index.ts';
import { fluxCommit } from '../../boundaries/sync/index.ts';
import type { Turn } from '../queue.ts';
import { DEPENDENCY_WAIT, failed } from './failure.ts';
import { evaluates } from './health.ts';
import { GIT_REPOSITORY, OCI_REPOSITORY, conditionOf } from './kinds.ts';

export interface Source {
  readonly object: KubeObject;
  readonly revision: string;
  /** The commit of a repository, the digest of an artifact. */
  readonly content: string;
  /** Of everything that its files depend on. */
  readonly identity: string;
}

/** Kinds that are fetched, and what names the content in a revision of theirs. */
const FETCHED = {
  GitRepository: { ref: GIT_REPOSITORY, content: fluxCommit },
  OCIRepository: { ref: OCI_REPOSITORY, content: ociDigest },
} as const;

/** What `spec.sourceRef` (or a reference like it) names, as its status says that it was fetched. */
export async function sourceOf(
  client: KubeClient,
  object: KubeObject,
  ref: JsonObject | undefined,
  turn: Turn,
): Promise<Source> {
  const kind = getString(ref, 'kind') ?? '';
  const name = getString(ref, 'name') ?? '';
  const namespace = getString(ref, 'namespace') || (object.metadata.namespace ?? 'default');
  if (kind !== 'GitRepository' && kind !== 'OCIRepository') {
    const what = kind === 'Bucket' ? bucketAdvice(name) : 'only GitRepository and OCIRepository are';
    const message = `source \`${name}\` kind '${kind}' is not fetched by this controller; ${what}`;
    throw failed({ reason: 'ArtifactFailed', message, stalled: true });
  }
  const fetched = FETCHED[kind];
  const source = await client.get({ ...fetched.ref, namespace, name }, turn.signal);
  if (source === undefined) {
    throw failed({
      reason: 'ArtifactFailed',
      message: `${kind}.source.toolkit.fluxcd.io "${name}" not found`,
    });
  }
  const revision = getString(source, 'status', 'artifact', 'revision');
  const content = revision === undefined ? undefined : fetched.content(revision);
  if (revision === undefined || content === undefined) {
    throw failed({
      reason: 'ArtifactFailed',
      message: `Source artifact not found, retrying in ${DEPENDENCY_WAIT / 1000}s`,
      again: DEPENDENCY_WAIT,
      type: 'Normal',
    });
  }
  const digest = getString(source, 'status', 'artifact', 'digest') ?? '';
  return { object: source, revision, content, identity: `${content} ${digest}` };
}

/**
 * Throws the failure that the status says while something of the same kind that it depends on is not ready; with a
 * `revision`, not ready at that one where both are of the same source.
 */
export async function checkDependencies(
  client: KubeClient,
  object: KubeObject,
  revision: string | undefined,
  turn: Turn,
): Promise<void> {
  const { apiVersion, kind } = object;
  for (const dependency of getArray(object, 'spec', 'dependsOn')) {
    const namespace = getString(dependency, 'namespace') || (object.metadata.namespace ?? 'default');
    const name = getString(dependency, 'name') ?? '';
    const notReady = (message: string) =>
      failed({ reason: 'DependencyNotReady', message, again: DEPENDENCY_WAIT, type: 'Normal' });
    const found = await client.get({ apiVersion, kind, namespace, name }, turn.signal);
    if (found === undefined) {
      throw notReady(
        `dependency '${namespace}/${name}' not found: ${kind}.${splitApiVersion(apiVersion).group} "${name}" not found`,
      );
    }
    const expression = getString(dependency, 'readyExpr') ?? '';
    if (expression !== '') {
      let ready: boolean;
      try {
        ready = evaluates(expression, { self: object, dep: found });
      } catch (thrown) {
        const message = `Reconciliation failed terminally due to configuration error: failed to evaluate dependency ${name}: ${asLandfallError(thrown).message}`;
        throw failed({ reason: 'InvalidCELExpression', message, stalled: true });
      }
      if (!ready)
        throw notReady(`dependency '${namespace}/${name}' is not ready according to readyExpr eval`);
      continue;
    }
    const current = getIn(found, 'status', 'observedGeneration') === found.metadata.generation;
    if (!current || getString(conditionOf(found, 'Ready'), 'status') !== 'True') {
      throw notReady(`dependency '${namespace}/${name}' is not ready`);
    }
    if (
      revision !== undefined &&
      jsonEqual(sourceKey(found), sourceKey(object)) &&
      getString(found, 'status', 'lastAppliedRevision') !== revision
    ) {
      throw notReady(`dependency '${namespace}/${name}' revision is not up to date`);
    }
  }
}

/** What to do instead of a Bucket. */
export function bucketAdvice(name: string): string {
  return `push what is in the bucket with 'flux push artifact oci://REGISTRY/${name}:TAG --path DIR' and refer to an OCIRepository, or keep it in Git`;
}

function sourceKey(object: KubeObject): JsonValue {
  const ref = getObject(object, 'spec', 'sourceRef');
  const namespace = getString(ref, 'namespace') || (object.metadata.namespace ?? 'default');
  return [getString(ref, 'kind') ?? '', namespace, getString(ref, 'name') ?? ''];
}
