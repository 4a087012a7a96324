import { getArray, getIn, getNumber, getString, textOf } from '../kernel/index.ts';
import type { EngineFact, WorldObject } from '../verdict/index.ts';
import { engineFact } from './read/engines.ts';

function conditionMessages(object: WorldObject): readonly string[] {
  return getArray(object.value, 'status', 'conditions').flatMap((condition) => {
    const message = getString(condition, 'message') ?? '';
    const status = getString(condition, 'status');
    const type = getString(condition, 'type') ?? '';
    const bad =
      status === undefined ||
      /Error|Warning/.test(type) ||
      (status === 'False') !== /Stalled|Degraded|Failed/.test(type);
    return message !== '' && bad ? [`${type}: ${message}`] : [];
  });
}

function application(object: WorldObject): EngineFact {
  const { value, name } = object;
  const results = getArray(value, 'status', 'operationState', 'syncResult', 'resources');
  const changed = results.filter((each) =>
    / (?:configured|created|pruned|serverside-applied)\b/.test(getString(each, 'message') ?? ''),
  ).length;
  const phase = getString(value, 'status', 'operationState', 'phase');
  const resources = getArray(value, 'status', 'resources').flatMap((each) => {
    const status = getString(each, 'status');
    const health = getString(each, 'health', 'status');
    return status === 'OutOfSync' || (health !== undefined && health !== 'Healthy')
      ? [
          `${getString(each, 'kind') ?? ''}/${getString(each, 'name') ?? ''}: ${[status, health, getString(each, 'health', 'message')].filter((part) => part !== undefined).join(', ')}`,
        ]
      : [];
  });
  const failed = results.flatMap((each) =>
    getString(each, 'status') === 'SyncFailed'
      ? [
          `${getString(each, 'kind') ?? ''}/${getString(each, 'name') ?? ''}: ${getString(each, 'message') ?? ''}`,
        ]
      : [],
  );
  const message = getString(value, 'status', 'operationState', 'message');
  return engineFact({
    engine: 'Argo CD',
    application: name,
    kind: 'Application',
    sync: getString(value, 'status', 'sync', 'status'),
    health: getString(value, 'status', 'health', 'status'),
    revision: getString(value, 'status', 'sync', 'revision'),
    targetRevision: getString(value, 'spec', 'source', 'targetRevision'),
    repository: getString(value, 'spec', 'source', 'repoURL'),
    path: getString(value, 'spec', 'source', 'path'),
    destination: getString(value, 'spec', 'destination', 'namespace'),
    messages: [
      ...(message === undefined ? [] : [message]),
      ...conditionMessages(object),
      ...resources.slice(0, 20),
      ...failed.slice(0, 20),
    ],
    operation:
      phase === undefined
        ? undefined
        : {
            phase,
            updated: results.length === 0 ? undefined : changed,
            unchanged: results.length === 0 ? undefined : results.length - changed,
          },
    suspended:
      object.whole && getIn(value, 'spec', 'syncPolicy', 'automated') === undefined ? true : undefined,
    time:
      getString(value, 'status', 'operationState', 'finishedAt') ??
      getString(value, 'status', 'reconciledAt'),
    source: object.cite(['status', 'sync', 'status']),
  });
}

function flux(object: WorldObject): EngineFact {
  const { value, name, namespace } = object;
  const ready = getArray(value, 'status', 'conditions').find(
    (condition) => getString(condition, 'type') === 'Ready',
  );
  const status = getString(ready, 'status');
  return engineFact({
    engine: 'Flux',
    application: namespace === undefined ? name : `${namespace}/${name}`,
    kind: object.kind,
    sync: status === 'True' ? 'Ready' : status === 'False' ? 'NotReady' : status,
    revision:
      getString(value, 'status', 'lastAppliedRevision') ?? getString(value, 'status', 'artifact', 'revision'),
    targetRevision:
      getString(value, 'status', 'lastAttemptedRevision') ?? getString(value, 'spec', 'ref', 'branch'),
    repository: getString(value, 'spec', 'url') ?? getString(value, 'spec', 'sourceRef', 'name'),
    path: getString(value, 'spec', 'path'),
    destination: getString(value, 'spec', 'targetNamespace'),
    messages: getArray(value, 'status', 'conditions').flatMap(
      (condition) => getString(condition, 'message') ?? [],
    ),
    suspended: getIn(value, 'spec', 'suspend') === true ? true : undefined,
    source: object.cite(['status', 'conditions']),
  });
}

function rollout(object: WorldObject): EngineFact {
  const { value, name, namespace } = object;
  const message = getString(value, 'status', 'message');
  const step = getNumber(value, 'status', 'currentStepIndex');
  return engineFact({
    engine: 'Argo Rollouts',
    application: name,
    kind: 'Rollout',
    health: getString(value, 'status', 'phase'),
    destination: namespace,
    messages: [
      ...(message === undefined ? [] : [message]),
      ...conditionMessages(object),
      ...(step === undefined ? [] : [`step ${textOf(step)}`]),
    ],
    source: object.cite(['status', 'phase']),
  });
}

const FLUX = /(?:source|kustomize|helm)\.toolkit\.fluxcd\.io/;

/** What an engine's own objects say: Applications, Kustomizations, HelmReleases, sources and Rollouts as stored. */
export function enginesIn(live: readonly WorldObject[]): readonly EngineFact[] {
  return live.flatMap((object): readonly EngineFact[] => {
    if (
      object.kind === 'Application' &&
      (object.apiVersion ?? 'argoproj.io').startsWith('argoproj.io') &&
      getIn(object.value, 'status') !== undefined
    )
      return [application(object)];
    if (FLUX.test(object.apiVersion ?? '')) return [flux(object)];
    if (object.kind === 'Rollout' && object.apiVersion?.startsWith('argoproj.io') === true)
      return [rollout(object)];
    return [];
  });
}
