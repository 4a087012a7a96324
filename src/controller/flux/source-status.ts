import { LandfallError, asLandfallError, getIn, getObject, getString } from '../../kernel/index.ts';
import type { Clock, JsonValue } from '../../kernel/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { EventRecorder } from '../events.ts';
import type { Turn } from '../queue.ts';
import { kubeTime } from '../status.ts';
import { DEPENDENCY_WAIT } from './failure.ts';
import { refusedFields } from './fields.ts';
import { FINALIZER, conditionOf, handled, intervalOf, withConditions, writeStatus } from './kinds.ts';
import type { Conditions } from './kinds.ts';

export interface SourceOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly events: EventRecorder;
}

/** What a look at a source found. */
export interface Found {
  readonly revision: string;
  /** Everything that the content depends on, as `sha256:…`; nothing is packed that it could be the digest of. */
  readonly digest: string;
  /** Name of the file that Flux would have packed it into. */
  readonly file: string;
  /** Where it really is. */
  readonly url: string;
  readonly size?: number;
  /** Of Ready and ArtifactInStorage. */
  readonly reason: string;
  readonly message: string;
  /** Of the Event that tells of something new. Default: NewArtifact with the message. */
  readonly news?: { readonly reason: string; readonly message: string };
  /** More of the status. */
  readonly status?: Readonly<Record<string, JsonValue | undefined>>;
  readonly conditions?: Conditions;
}

/** The condition that says what did not work; `SourceVerified` is the one that is then False. */
type FailedCondition =
  | 'FetchFailed'
  | 'BuildFailed'
  | 'IncludeUnavailable'
  | 'StorageOperationFailed'
  | 'SourceVerified';

interface SourceFailure {
  readonly condition: FailedCondition;
  readonly reason: string;
  readonly message: string;
  /** Only a change of the object helps. */
  readonly stalled: boolean;
  /** Ms; left out: the interval, at most a minute. */
  readonly again?: number;
}

/** Ends a look at a source with what its status then says. */
export function sourceFailed(
  failure: Partial<SourceFailure> & Pick<SourceFailure, 'reason' | 'message'>,
): LandfallError & { readonly sourceFailure: SourceFailure } {
  const { reason, message, condition = 'FetchFailed', stalled = false } = failure;
  const error = new LandfallError(message, { kind: 'invalid-input', code: 'flux-source' });
  return Object.assign(error, { sourceFailure: { ...failure, reason, message, condition, stalled } });
}

/** What a source says of an artifact that cannot be put together, by the code of what is wrong with it. */
const PROBLEMS: Readonly<Record<string, Pick<SourceFailure, 'condition' | 'reason' | 'again'>>> = {
  'include-missing': { condition: 'IncludeUnavailable', reason: 'NotFound', again: DEPENDENCY_WAIT },
  'include-not-there': { condition: 'IncludeUnavailable', reason: 'NoArtifact', again: DEPENDENCY_WAIT },
  'include-copy': { condition: 'StorageOperationFailed', reason: 'CopyFailure' },
};

function failureOf(thrown: unknown, standard: string, prefix: string): SourceFailure {
  const error = asLandfallError(thrown);
  if (thrown instanceof Error && 'sourceFailure' in thrown) return thrown.sourceFailure as SourceFailure;
  if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
  const { code, message, kind } = error;
  const failure = { condition: 'FetchFailed', message, stalled: false } as const;
  const known = PROBLEMS[code];
  if (known !== undefined) return { ...failure, ...known };
  if (code === 'git-url' || code === 'oci-url') return { ...failure, reason: 'URLInvalid', stalled: true };
  if (code === 'git-authentication' || code.startsWith('secret-') || kind === 'denied') {
    return { ...failure, reason: 'AuthenticationFailed' };
  }
  return { ...failure, reason: standard, message: `${prefix}${message}` };
}

const ALL: readonly FailedCondition[] = [
  'FetchFailed',
  'BuildFailed',
  'IncludeUnavailable',
  'StorageOperationFailed',
];
const NO_FAILURE: Conditions = Object.fromEntries(ALL.map((type) => [type, undefined]));
const DEFAULT_INTERVAL = 60_000;
const RETRY = 60_000;

/**
 * One look at a source, and what follows from it for its status, as source-controller writes it: conditions, artifact,
 * answered requests, Events. What Flux' own controller left to be cleaned up is let go.
 */
export async function reconcileSource(
  options: SourceOptions,
  source: KubeObject,
  turn: Turn,
  /** `failed` is the reason where nothing more is known; `prefix` stands before the message then. */
  look: {
    readonly find: () => Promise<Found>;
    readonly failed: string;
    readonly prefix?: string;
  },
): Promise<{ readonly again?: number } | undefined> {
  if (source.metadata.deletionTimestamp !== undefined) return letGo(options, source, turn);
  if (getIn(source, 'spec', 'suspend') === true) return undefined;
  try {
    const [refused] = refusedFields(source);
    if (refused !== undefined) {
      throw sourceFailed({ reason: 'Unsupported', message: refused, stalled: true });
    }
    return await succeed(options, source, await look.find(), turn);
  } catch (thrown) {
    return fail(options, source, failureOf(thrown, look.failed, look.prefix ?? ''), turn);
  }
}

async function succeed(options: SourceOptions, source: KubeObject, found: Found, turn: Turn) {
  const { client, clock, events } = options;
  const { revision, digest, reason, message } = found;
  const { name, namespace = 'default' } = source.metadata;
  const known = getObject(source, 'status', 'artifact');
  const isNew = getString(known, 'revision') !== revision || getString(known, 'digest') !== digest;
  const good = { status: 'True', reason, message } as const;
  await writeStatus(
    client,
    source,
    {
      ...getObject(source, 'status'),
      ...handled(source),
      observedGeneration: source.metadata.generation ?? 1,
      ...found.status,
      artifact: isNew
        ? {
            path: `${source.kind.toLowerCase()}/${namespace}/${name}/${found.file}`,
            url: found.url,
            revision,
            digest,
            ...(found.size === undefined ? {} : { size: found.size }),
            lastUpdateTime: kubeTime(clock.now()),
          }
        : { ...known },
      conditions: withConditions(
        source,
        {
          ...NO_FAILURE,
          SourceVerified: undefined,
          Ready: good,
          ArtifactInStorage: good,
          Reconciling: undefined,
          Stalled: undefined,
          ...found.conditions,
        },
        clock.now(),
      ),
    },
    turn.signal,
  );
  const recovered = ALL.some((type) => getString(conditionOf(source, type), 'status') === 'True');
  const news = found.news ?? { reason: 'NewArtifact', message };
  if (isNew) await events.record(source, 'Normal', news.reason, news.message, turn.signal);
  else if (recovered) await events.record(source, 'Normal', 'Succeeded', news.message, turn.signal);
  return { again: intervalOf(source, 'interval', DEFAULT_INTERVAL) };
}

async function fail(options: SourceOptions, source: KubeObject, failure: SourceFailure, turn: Turn) {
  const { client, clock, events } = options;
  const { condition, reason, message, stalled } = failure;
  const told = conditionOf(source, 'Ready');
  const isVerification = condition === 'SourceVerified';
  await writeStatus(
    client,
    source,
    {
      ...getObject(source, 'status'),
      ...handled(source),
      observedGeneration: source.metadata.generation ?? 1,
      conditions: withConditions(
        source,
        {
          ...NO_FAILURE,
          Ready: { status: 'False', reason, message },
          [condition]: { status: isVerification ? 'False' : 'True', reason, message },
          Reconciling: stalled
            ? undefined
            : { status: 'True', reason: 'ProgressingWithRetry', message: 'reconciliation in progress' },
          Stalled: stalled ? { status: 'True', reason, message } : undefined,
        },
        clock.now(),
      ),
    },
    turn.signal,
  );
  if (getString(told, 'message') !== message || getString(told, 'status') !== 'False') {
    await events.record(source, 'Warning', reason, message, turn.signal);
  }
  return { again: failure.again ?? Math.min(intervalOf(source, 'interval', DEFAULT_INTERVAL), RETRY) };
}

/** There is nothing of it to be cleaned up here; Flux' finalizer would hold it for ever. */
async function letGo({ client }: SourceOptions, source: KubeObject, turn: Turn): Promise<undefined> {
  const finalizers = source.metadata.finalizers ?? [];
  if (!finalizers.includes(FINALIZER)) return undefined;
  const kept = finalizers.filter((each) => each !== FINALIZER);
  await client.patch(refOf(source), 'merge', { metadata: { finalizers: kept } }, {}, turn.signal);
  return undefined;
}
