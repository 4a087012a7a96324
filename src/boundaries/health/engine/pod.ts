import { getArray, getIn, getNumber, getString } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import type { EngineHealth } from './status.ts';

const IGNORE_RESTART_POLICY = 'argocd.argoproj.io/ignore-restart-policy';

/** A pod by Argo CD's rules: long-running unless its restart policy says that it ends. */
export function podHealth(object: KubeObject): EngineHealth {
  const annotations = object.metadata.annotations ?? {};
  const hook =
    annotations['argocd.argoproj.io/hook'] !== undefined || annotations['helm.sh/hook'] !== undefined;
  const policy = getString(object, 'spec', 'restartPolicy');
  const longRunning = policy === 'Always' || (annotations[IGNORE_RESTART_POLICY] === 'true' && !hook);
  const message = getString(object, 'status', 'message') ?? '';
  const containers = getArray(object, 'status', 'containerStatuses');
  if (longRunning) {
    const stuck = containers.filter((container) =>
      /^Err|Error$|BackOff$/.test(getString(container, 'state', 'waiting', 'reason') ?? ''),
    );
    if (stuck.length > 0) {
      const messages = stuck.map((container) => getString(container, 'state', 'waiting', 'message') ?? '');
      return { status: 'Degraded', message: messages.join(', ') };
    }
  }
  switch (getString(object, 'status', 'phase') ?? '') {
    case 'Pending':
      return { status: 'Progressing', message };
    case 'Succeeded':
      return { status: 'Healthy', message };
    case 'Failed':
      return { status: 'Degraded', message: message || failureOf(object) };
    case 'Running':
      if (longRunning) return runningHealth(object, containers, message);
      return policy === 'OnFailure' || policy === 'Never'
        ? { status: 'Progressing', message }
        : { status: 'Unknown', message };
    default:
      return { status: 'Unknown', message };
  }
}

function runningHealth(object: KubeObject, containers: readonly JsonValue[], message: string): EngineHealth {
  const ready = getArray(object, 'status', 'conditions').some(
    (item) => getString(item, 'type') === 'Ready' && getString(item, 'status') === 'True',
  );
  if (ready) return { status: 'Healthy', message };
  const ended = containers.some((container) => getIn(container, 'lastState', 'terminated') !== undefined);
  return { status: ended ? 'Degraded' : 'Progressing', message };
}

function failureOf(object: KubeObject): string {
  const all = [
    ...getArray(object, 'status', 'initContainerStatuses'),
    ...getArray(object, 'status', 'containerStatuses'),
  ];
  for (const container of all) {
    const said = getString(container, 'state', 'terminated', 'message');
    if (said !== undefined && said !== '') return said;
    if (getString(container, 'state', 'terminated', 'reason') === 'OOMKilled') return 'OOMKilled';
    const code = getNumber(container, 'state', 'terminated', 'exitCode') ?? 0;
    if (code !== 0) return `container "${getString(container, 'name') ?? ''}" failed with exit code ${code}`;
  }
  return '';
}
