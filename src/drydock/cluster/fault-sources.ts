import { LandfallError, nearest } from '../../kernel/index.ts';
import type { ApiServer } from '../api/index.ts';
import { SERVICE_ACCOUNTS } from '../controllers/index.ts';
import type { FaultBoard } from '../faults/index.ts';
import { parseLabelSelector } from '../machinery/selectors.ts';
import type { NodeAgent, PodTokens } from '../node/index.ts';
import { isFor } from '../registry/index.ts';
import type { RegistryOptions } from '../registry/index.ts';

/** What goes wrong with requests of the registry. */
export function registryFaults(board: FaultBoard): NonNullable<RegistryOptions['faultSource']> {
  return (target) =>
    board.active('registry').find((active) => isFor(active.fault, target) && active.take())?.fault.effect;
}

/** Refuses faults that can never hit: on a node that is not there, by a selector that cannot be read. */
export function checkFaults(board: FaultBoard, nodes: readonly NodeAgent[]): void {
  board.check((fault) => {
    if (fault.on === 'pods' && fault.selector !== undefined) checkSelector(fault.selector);
    const node = fault.on === 'node' || fault.on === 'pull' ? fault.node : undefined;
    const names = nodes.map(({ name }) => name);
    if (node === undefined || names.includes(node)) return;
    const near = nearest(node, names);
    throw new LandfallError(`There is no node ${node}.`, {
      kind: 'invalid-input',
      code: 'unknown-node',
      object: node,
      hint: `There ${names.length === 1 ? 'is' : 'are'} ${(near.length > 0 ? near : names).join(', ')}.`,
    });
  });
}

function checkSelector(selector: string): void {
  try {
    parseLabelSelector(selector);
  } catch (cause) {
    throw new LandfallError(`"${selector}" is no label selector.`, {
      kind: 'invalid-input',
      code: 'selector',
      object: selector,
      hint: 'As kubectl -l takes it: app=web,tier!=cache.',
      cause,
    });
  }
}

/** Tokens for the service account volumes of pods. */
export function podTokens(api: ApiServer): PodTokens {
  return (pod, audience, expirationSeconds) => {
    const { namespace = '', name: podName, uid: podUid = '' } = pod.metadata;
    const name = pod.spec.serviceAccountName ?? 'default';
    const account = api.get(SERVICE_ACCOUNTS, namespace, name);
    if (account === undefined) return undefined;
    return api.tokens.issue({
      namespace,
      name,
      uid: account.metadata.uid ?? '',
      audiences: audience === undefined || audience === '' ? [] : [audience],
      expirationSeconds,
      bound: { kind: 'Pod', name: podName, uid: podUid },
    });
  };
}
