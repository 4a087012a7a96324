import { asLandfallError, getArray, getIn, getObject, getString, jsonEqual } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { fluxCommit } from '../../boundaries/sync/index.ts';
import type { Turn } from '../queue.ts';
import { DEPENDENCY_WAIT, failed } from './failure.ts';
import type { KustomizationOptions } from './failure.ts';
import { usesIncludes } from './git-repository.ts';
import { evaluates } from './health.ts';
import { GIT_REPOSITORY, KUSTOMIZATION, conditionOf } from './kinds.ts';

export interface Source {
  readonly object: KubeObject;
  readonly revision: string;
  readonly commit: string;
}

export async function sourceOf(
  options: KustomizationOptions,
  object: KubeObject,
  turn: Turn,
): Promise<Source> {
  const ref = getObject(object, 'spec', 'sourceRef');
  const kind = getString(ref, 'kind') ?? '';
  const name = getString(ref, 'name') ?? '';
  const namespace = getString(ref, 'namespace') || (object.metadata.namespace ?? 'default');
  if (kind !== 'GitRepository') {
    const message = `source \`${name}\` kind '${kind}' is not fetched by this controller; only GitRepository is`;
    throw failed({ reason: 'ArtifactFailed', message, stalled: true });
  }
  const source = await options.client.get({ ...GIT_REPOSITORY, namespace, name }, turn.signal);
  if (source === undefined) {
    throw failed({
      reason: 'ArtifactFailed',
      message: `${kind}.source.toolkit.fluxcd.io "${name}" not found`,
    });
  }
  const revision = getString(source, 'status', 'artifact', 'revision');
  const commit = revision === undefined ? undefined : fluxCommit(revision);
  if (revision === undefined || commit === undefined) {
    throw failed({
      reason: 'ArtifactFailed',
      message: `Source artifact not found, retrying in ${DEPENDENCY_WAIT / 1000}s`,
      again: DEPENDENCY_WAIT,
      type: 'Normal',
    });
  }
  if (usesIncludes(source)) {
    const message = `GitRepository '${namespace}/${name}' uses include or recurseSubmodules, which this controller does not do`;
    throw failed({ reason: 'ArtifactFailed', message });
  }
  return { object: source, revision, commit };
}

export async function checkDependencies(
  options: KustomizationOptions,
  object: KubeObject,
  revision: string,
  turn: Turn,
): Promise<void> {
  for (const dependency of getArray(object, 'spec', 'dependsOn')) {
    const namespace = getString(dependency, 'namespace') || (object.metadata.namespace ?? 'default');
    const name = getString(dependency, 'name') ?? '';
    const notReady = (message: string) =>
      failed({ reason: 'DependencyNotReady', message, again: DEPENDENCY_WAIT, type: 'Normal' });
    const found = await options.client.get({ ...KUSTOMIZATION, namespace, name }, turn.signal);
    if (found === undefined) {
      throw notReady(
        `dependency '${namespace}/${name}' not found: Kustomization.kustomize.toolkit.fluxcd.io "${name}" not found`,
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
      jsonEqual(sourceKey(found), sourceKey(object)) &&
      getString(found, 'status', 'lastAppliedRevision') !== revision
    ) {
      throw notReady(`dependency '${namespace}/${name}' revision is not up to date`);
    }
  }
}

function sourceKey(object: KubeObject): JsonValue {
  const ref = getObject(object, 'spec', 'sourceRef');
  const namespace = getString(ref, 'namespace') || (object.metadata.namespace ?? 'default');
  return [getString(ref, 'kind') ?? '', namespace, getString(ref, 'name') ?? ''];
}
