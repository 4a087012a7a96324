import { LandfallError, asLandfallError, getIn, getObject, getString } from '../../kernel/index.ts';
import type { Clock, JsonObject } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { ociArtifactNow } from '../../boundaries/render/index.ts';
import type { EventRecorder } from '../events.ts';
import type { Turn } from '../queue.ts';
import { kubeTime } from '../status.ts';
import { conditionOf, handled, intervalOf, withConditions, writeStatus } from './kinds.ts';

export interface OciSourceOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly events: EventRecorder;
}

/** What a source asks for that is not done, and that must not be passed over. */
function unsupported(source: KubeObject): string | undefined {
  const provider = getString(source, 'spec', 'provider') ?? 'generic';
  if (provider !== 'generic') return `spec.provider '${provider}' is not supported by this controller`;
  for (const field of ['verify', 'proxySecretRef'] as const) {
    if (getObject(source, 'spec', field) !== undefined) {
      return `spec.${field} is not supported by this controller; nothing is taken without it`;
    }
  }
  return undefined;
}

/** One look at an OCIRepository, and what follows from it for the status. */
export async function reconcileOciRepository(
  options: OciSourceOptions,
  source: KubeObject,
  turn: Turn,
): Promise<{ readonly again?: number } | undefined> {
  const { client, clock, events } = options;
  if (getIn(source, 'spec', 'suspend') === true) return undefined;
  const interval = intervalOf(source, 'interval', 60_000);
  const known = getString(source, 'status', 'artifact', 'revision');
  const status: JsonObject = {
    ...getObject(source, 'status'),
    ...handled(source),
    observedGeneration: source.metadata.generation ?? 1,
  };
  try {
    const problem = unsupported(source);
    if (problem !== undefined) {
      throw new LandfallError(problem, { kind: 'invalid-input', code: 'oci-unsupported' });
    }
    const { tag, digest } = await turn.outside(() => ociArtifactNow(client, source, turn.signal));
    const revision = tag === undefined ? digest : `${tag}@${digest}`;
    const message = `stored artifact for digest '${revision}'`;
    const { name, namespace = 'default' } = source.metadata;
    const ready = { status: 'True', reason: 'Succeeded', message } as const;
    await writeStatus(
      client,
      source,
      {
        ...status,
        artifact:
          revision === known
            ? (status['artifact'] ?? {})
            : {
                // Nothing is packed: who uses it pulls by the digest.
                path: `ocirepository/${namespace}/${name}/${digest.slice('sha256:'.length)}.tar.gz`,
                url: getString(source, 'spec', 'url') ?? '',
                revision,
                lastUpdateTime: kubeTime(clock.now()),
              },
        conditions: withConditions(
          source,
          {
            Ready: ready,
            ArtifactInStorage: ready,
            FetchFailed: undefined,
            Reconciling: undefined,
            Stalled: undefined,
          },
          clock.now(),
        ),
      },
      turn.signal,
    );
    if (revision !== known) await events.record(source, 'Normal', 'NewArtifact', message, turn.signal);
    return { again: interval };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
    const stalled = error.code === 'oci-url' || error.code === 'oci-unsupported';
    const reason =
      error.code === 'oci-url'
        ? 'URLInvalid'
        : error.code.startsWith('secret-') || error.kind === 'denied'
          ? 'AuthenticationFailed'
          : error.code === 'oci-unsupported'
            ? 'Unsupported'
            : 'OCIArtifactPullFailed';
    const failed = { reason, message: error.message };
    const before = getString(conditionOf(source, 'FetchFailed'), 'message');
    await writeStatus(
      client,
      source,
      {
        ...status,
        conditions: withConditions(
          source,
          {
            Ready: { status: 'False', ...failed },
            FetchFailed: { status: 'True', ...failed },
            Reconciling: stalled
              ? undefined
              : { status: 'True', reason: 'ProgressingWithRetry', message: 'reconciliation in progress' },
            Stalled: stalled ? { status: 'True', ...failed } : undefined,
          },
          clock.now(),
        ),
      },
      turn.signal,
    );
    if (before !== error.message) await events.record(source, 'Warning', reason, error.message, turn.signal);
    return { again: Math.min(interval, 60_000) };
  }
}
