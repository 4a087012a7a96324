import { getString } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { SyncWork } from '../outcome.ts';
import type { SyncOptions } from './options.ts';

/**
 * The destination's namespace as a sync makes it: where `CreateNamespace` asks for it and the set does not bring it,
 * when it is missing, or when the Application manages its labels and annotations.
 */
export async function missingNamespace(
  work: SyncWork,
  options: SyncOptions,
): Promise<{ readonly desired: KubeObject; readonly live: KubeObject | undefined } | undefined> {
  if (!options.createNamespace) return undefined;
  const name = work.spec.destination.namespace;
  const brought = work.comparison.pairs.some(
    ({ desired }) => desired?.kind === 'Namespace' && desired.metadata.name === name,
  );
  if (brought || name === '') return undefined;
  const live = await work.client.get({ apiVersion: 'v1', kind: 'Namespace', name }, work.signal);
  const { managedNamespace } = work.spec.policy;
  const begun = work.before.some(
    (item) => getString(item, 'kind') === 'Namespace' && getString(item, 'name') === name,
  );
  if (!begun && live !== undefined && managedNamespace === undefined) return undefined;
  return {
    desired: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...managedNamespace } },
    live,
  };
}
