import { getIn, getString } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import { TEST_WAVE, releaseName } from '../../../boundaries/render/index.ts';
import type { RenderedRelease } from '../../../boundaries/render/index.ts';
import type { SyncOutcome } from '../../outcome.ts';
import type { Turn } from '../../queue.ts';
import { conditionOf } from '../kinds.ts';
import type { Conditions } from '../kinds.ts';
import { hooksAt, stepHooks } from './hooks.ts';
import type { ReleaseOptions } from './release-options.ts';
import type { Release } from './release-state.ts';
import { releaseText, snapshots } from './release-status.ts';
import { actionTimeout } from './remediation.ts';

/** How the tests of a release are. */
export interface Tests {
  readonly conditions: Conditions;
  /** `testHooks` of the release in the history. */
  readonly hooks?: JsonObject | undefined;
  readonly running: boolean;
}

const WAVE = 'argocd.argoproj.io/sync-wave';

function strictNames({ objects }: RenderedRelease): readonly string[] {
  return objects
    .filter(({ metadata }) => metadata.annotations?.[WAVE] === TEST_WAVE)
    .map(({ metadata }) => metadata.name);
}

/** Tests that had to succeed for the release to get here; undefined: there are none. */
export function strictTests(rendered: RenderedRelease, text: string): Tests | undefined {
  const names = strictNames(rendered);
  if (names.length === 0) return undefined;
  const hooks = Object.fromEntries(names.map((name) => [name, { phase: 'Succeeded' }]));
  return { conditions: { TestSuccess: success(text, names.length) }, hooks, running: false };
}

function success(text: string, count: number) {
  const what =
    count === 0 ? 'no test hooks' : `${count} test hook${count === 1 ? '' : 's'} completed successfully`;
  return {
    status: 'True',
    reason: 'TestSucceeded',
    message: `Helm test succeeded for ${text}: ${what}`,
  } as const;
}

/** A release that failed because of its tests says so. */
export function testsFailed(
  rendered: RenderedRelease,
  results: SyncOutcome['results'],
  message: string,
): Conditions {
  const names = strictNames(rendered);
  const isOne = results.some(
    (result) =>
      getString(result, 'hookPhase') === 'Failed' && names.includes(getString(result, 'name') ?? ''),
  );
  return isOne ? { TestSuccess: { status: 'False', reason: 'TestFailed', message } } : {};
}

/** Tests whose failure changes nothing but the condition: they are run when the release is Ready already. */
export async function lenientTests(
  { clock, events }: ReleaseOptions,
  { object, target, rendered, chart }: Release,
  turn: Turn,
  how: 'begin' | 'go on',
): Promise<Tests> {
  if (getIn(object, 'spec', 'test', 'enable') !== true) {
    return { conditions: { TestSuccess: undefined }, running: false };
  }
  const isPending = getString(conditionOf(object, 'TestSuccess'), 'status') === 'Unknown';
  if (how === 'go on' && !isPending) return { conditions: {}, running: false };
  const version = snapshots(object)[0]?.version ?? 1;
  const text = releaseText(releaseName(object), version, chart);
  const report = await stepHooks({
    client: target.client,
    clock,
    hooks: hooksAt(rendered.lenientTests, 'test'),
    id: `${object.metadata.uid ?? ''}.test.${version}`,
    timeoutMs: actionTimeout(object, 'test'),
    signal: turn.signal,
  });
  const hooks = Object.fromEntries(
    report.seen.map(({ name, phase }) => [name.split('/').at(-1) ?? name, { phase }]),
  );
  if (report.state === 'running') {
    const message = `Helm ${text} is awaiting tests`;
    return {
      conditions: { TestSuccess: { status: 'Unknown', reason: 'AwaitingTests', message } },
      hooks,
      running: true,
    };
  }
  if (report.state === 'done') {
    const good = success(text, report.seen.length);
    await events.record(object, 'Normal', good.reason, good.message, turn.signal);
    return { conditions: { TestSuccess: good }, hooks, running: false };
  }
  const message = `Helm test failed for ${text}: ${report.message}`;
  await events.record(object, 'Warning', 'TestFailed', message, turn.signal);
  return {
    conditions: { TestSuccess: { status: 'False', reason: 'TestFailed', message } },
    hooks,
    running: false,
  };
}
