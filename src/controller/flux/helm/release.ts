import { getIn } from '../../../kernel/index.ts';
import type { LandfallError } from '../../../kernel/index.ts';
import { refOf } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import {
  chartOf,
  chartOfHelmChart,
  composeValues,
  ignorePatterns,
  withoutIgnored,
} from '../../../boundaries/render/index.ts';
import type { Chart, ChartOptions } from '../../../boundaries/render/index.ts';
import type { Turn } from '../../queue.ts';
import type { Failure, Next } from '../failure.ts';
import { FINALIZER, requested } from '../kinds.ts';
import { checkSpec, failureBehind } from '../report.ts';
import { checkDependencies, sourceOf } from '../source.ts';
import { bringAbout } from './bring-about.ts';
import { keepChart } from './chart-template.ts';
import { finalizeRelease } from './finalize-release.ts';
import { report } from './report.ts';
import type { ReleaseOptions } from './release-options.ts';
import { releaseOf } from './release-state.ts';

/** One HelmRelease, by the rules of helm-controller, with the set of its objects delivered as every other set is. */
export async function reconcileHelmRelease(
  options: ReleaseOptions,
  object: KubeObject,
  turn: Turn,
): Promise<Next> {
  const { client } = options;
  if (object.metadata.deletionTimestamp !== undefined) return finalizeRelease(options, object, turn);
  if (getIn(object, 'spec', 'suspend') === true) return undefined;
  if (object.metadata.finalizers?.includes(FINALIZER) !== true) {
    const finalizers = [...(object.metadata.finalizers ?? []), FINALIZER];
    await client.patch(refOf(object), 'merge', { metadata: { finalizers } }, {}, turn.signal);
    return { again: 0 };
  }
  let version: string | undefined;
  try {
    checkSpec(object);
    await checkDependencies(client, object, undefined, turn);
    const fresh = requested(object) !== undefined;
    const chart = await chartOfRelease(options, object, fresh, turn);
    ({ version } = chart);
    const { namespace = 'default' } = object.metadata;
    const values = await composeValues(object, (kind, name) =>
      client.get({ apiVersion: 'v1', kind, namespace, name }, turn.signal),
    );
    return await bringAbout(options, await releaseOf(options, object, chart, values, turn), turn);
  } catch (thrown) {
    return report(options, object, failureBehind(thrown, failureOf), version, turn);
  }
}

/** By its HelmChart, which is kept as the release says it; `spec.chartRef` names one that somebody else keeps. */
async function chartOfRelease(
  options: ReleaseOptions,
  object: KubeObject,
  fresh: boolean,
  turn: Turn,
): Promise<Chart> {
  const { client } = options;
  const charts = chartOptions(options, turn);
  const kept = await keepChart(client, object, turn.signal);
  return kept === undefined
    ? chartOf(charts, object, fresh, turn.signal)
    : chartOfHelmChart(charts, kept, fresh, turn.signal);
}

/** A chart comes from what its source was fetched to be last. */
export function chartOptions(options: ReleaseOptions, turn: Turn): ChartOptions {
  const { client, files } = options;
  return {
    ...options,
    outside: (work) => turn.outside(work),
    async source(owner, ref, signal) {
      const source = await sourceOf(client, owner, ref, turn);
      const { content, identity, object } = source;
      const tree = await files(source, signal);
      // What a GitRepository leaves out is no part of a chart either.
      return {
        content,
        identity,
        tree: object.kind === 'GitRepository' ? withoutIgnored(tree, ignorePatterns(object)) : tree,
      };
    },
  };
}

/** Where helm is not there nothing is known, which is no failure of the release. */
function failureOf({ kind, code, message }: LandfallError): Failure | undefined {
  if (kind === 'unavailable' && !/^(?:helm-|chart-|template-)/.test(code)) return undefined;
  if (code === 'helm-missing') return { reason: 'HelmMissing', message };
  return { reason: code === 'template-failed' ? 'RenderFailed' : 'ArtifactFailed', message };
}
