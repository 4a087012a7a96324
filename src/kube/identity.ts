import { asLandfallError } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { KubeClient } from './client.ts';

/** Which cluster answers at an address, whatever it is called: by the uid of its namespace kube-system. */
export type ClusterIdentity =
  | { readonly uid: string }
  /** Why it could not be read. `lasting`: asking again is answered the same way. */
  | { readonly unknown: string; readonly lasting: boolean };

/** Its uid; undefined where it did not say so, or nobody can ask. */
export async function uidOf(
  identify: (() => Promise<ClusterIdentity>) | undefined,
): Promise<string | undefined> {
  const identity = await identify?.();
  return identity !== undefined && 'uid' in identity ? identity.uid : undefined;
}

/** Nobody waits longer for it, since everything else goes on without. */
const PATIENCE_MS = 5_000;

/**
 * The uid of kube-system, which every cluster has, which never changes, and which no other cluster shares; what
 * telemetry and fleet tools take for the same purpose. Throws only when it is cancelled.
 * Source: OpenTelemetry semantic conventions, k8s.cluster.uid.
 */
export async function clusterIdentity(
  client: Pick<KubeClient, 'get'>,
  clock: Clock,
  signal?: AbortSignal,
): Promise<ClusterIdentity> {
  const patience = new AbortController();
  const timer = clock.after(PATIENCE_MS, () => patience.abort());
  const stop = signal === undefined ? patience.signal : AbortSignal.any([signal, patience.signal]);
  try {
    const found = await client.get({ apiVersion: 'v1', kind: 'Namespace', name: 'kube-system' }, stop);
    const uid = found?.metadata.uid;
    return uid === undefined || uid === ''
      ? { unknown: 'it has no namespace kube-system', lasting: true }
      : { uid };
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    const { kind, code, message } = asLandfallError(thrown);
    return kind === 'cancelled'
      ? { unknown: `it did not answer within ${PATIENCE_MS / 1000} s`, lasting: false }
      : { unknown: message, lasting: code === 'kube-forbidden' };
  } finally {
    timer.cancel();
  }
}
