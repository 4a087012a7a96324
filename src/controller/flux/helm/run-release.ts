import { getIn } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import type { RenderedRelease } from '../../../boundaries/render/index.ts';
import type { JournalSubject, SyncJournals } from '../../journals.ts';
import type { SyncRequest } from '../../operation.ts';
import type { SyncOutcome } from '../../outcome.ts';
import type { Turn } from '../../queue.ts';
import { kubeTime } from '../../status.ts';
import { createSyncWriter, plainSet, runSync, terminateHooks } from '../../sync/index.ts';
import type { FluxTarget } from '../failure.ts';
import { inventoryOf } from '../inventory.ts';
import type { Waits } from '../../waits.ts';
import { compareRelease } from './compare-release.ts';
import type { ReleaseOptions } from './release-options.ts';
import { actionTimeout } from './remediation.ts';
import { withRollbackHooks } from './rollback-hooks.ts';

/** One attempt at a release. */
export interface ReleaseAttempt {
  readonly object: KubeObject;
  readonly target: FluxTarget;
  readonly rendered: RenderedRelease;
  readonly action: 'install' | 'upgrade';
  readonly digest: string;
  readonly chart: { readonly version: string };
  readonly subject: JournalSubject;
  /** Only what differs is put right: no hooks run. */
  readonly isDrift: boolean;
}

/**
 * Hooks, objects and what left the chart, as one operation of the kind that Applications have: tried by a dry run
 * before the first write, journalled, taken back whole. Running: it goes on in the next turn.
 */
export async function runRelease(
  options: ReleaseOptions,
  attempt: ReleaseAttempt,
  turn: Turn,
): Promise<SyncOutcome> {
  const { clock, running, waits } = options;
  const { object, target, rendered, action, digest, chart, subject, isDrift } = attempt;
  const { client } = target;
  const { signal } = turn;
  const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  // A correction of drift is no release that could be gone back to.
  const journals = isDrift ? options.journals : withRollbackHooks(options, object, target, turn);
  const plain = createSyncWriter(client, clock);
  const before = running.get(key);
  const startedAt = before?.startedAt ?? Date.parse(subject.attemptedAt);
  const keep = (results: SyncOutcome['results']) => running.set(key, { digest, startedAt, results, isDrift });
  keep(before?.results ?? []);
  if (rendered.objects.length === 0) {
    const isNothing = inventoryOf(object).length === 0;
    return {
      phase: isNothing ? 'Succeeded' : 'Failed',
      message: isNothing ? '' : 'the chart renders to no object; nothing is applied and nothing is pruned',
      results: [],
    };
  }
  const { spec, comparison } = await compareRelease(object, rendered, target, signal, 'fresh');
  waits.begin(`release ${key}`, subject.operationId);
  const outcome = await runSync({
    client,
    writer: plain,
    openSet: journals?.open(client, plain, subject, signal) ?? (() => Promise.resolve(plainSet(plain))),
    clock,
    spec,
    instance: `HelmRelease_${object.metadata.namespace ?? ''}_${object.metadata.name}`,
    request: requestOf(object, action, isDrift),
    comparison,
    commit: chart.version,
    startedAt: kubeTime(startedAt),
    operationId: subject.operationId,
    before: before?.results ?? [],
    approved: false,
    since: (name, at) => waits.since(`release ${key}`, name, at),
    record: ({ results }) => {
      keep(results);
      return Promise.resolve();
    },
    signal,
  });
  if (outcome.phase === 'Running') {
    keep(outcome.results);
    if (clock.now() - startedAt < actionTimeout(object, action)) return outcome;
    await terminateHooks({ client, writer: plain, signal }, outcome.results);
    return ended(
      { journals, waits },
      attempt,
      { ...outcome, phase: 'Failed', message: `timed out ${outcome.message}` },
      turn,
    );
  }
  return ended({ journals, waits }, attempt, outcome, turn);
}

function requestOf(object: KubeObject, action: 'install' | 'upgrade', isDrift: boolean): SyncRequest {
  const creates = getIn(object, 'spec', 'install', 'createNamespace') === true;
  return {
    revision: undefined,
    revisions: undefined,
    sources: undefined,
    prune: true,
    dryRun: false,
    options: [
      'PrunePropagationPolicy=background',
      ...(action === 'install' && creates ? ['CreateNamespace=true'] : []),
      ...(getIn(object, 'spec', action, 'disableOpenAPIValidation') === true ? ['Validate=false'] : []),
    ],
    only: [],
    force: action === 'upgrade' && getIn(object, 'spec', 'upgrade', 'force') === true,
    skipHooks: isDrift,
    automated: true,
    retry: undefined,
    problem: undefined,
  };
}

/** What the ledger gets to know, and what is taken back because it ended in another way than by its last step. */
async function ended(
  { journals, waits }: { readonly journals: SyncJournals | undefined; readonly waits: Waits },
  { target, subject, object }: ReleaseAttempt,
  outcome: SyncOutcome,
  turn: Turn,
): Promise<SyncOutcome> {
  waits.forget(`release ${object.metadata.namespace ?? ''}/${object.metadata.name}`);
  if (journals === undefined) return outcome;
  const succeeded = outcome.phase === 'Succeeded';
  const back = succeeded ? undefined : await journals.giveUp(target.client, subject, turn.signal);
  const message = back === undefined ? outcome.message : `${outcome.message}, and ${back.note}`;
  await journals.end(subject, succeeded, message);
  if (!succeeded && (outcome.final === true || back !== undefined)) await journals.hold(subject, message);
  return { ...outcome, message };
}
