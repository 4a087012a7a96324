import { createHash } from 'node:crypto';
import { asLandfallError, getArray, getObject, getString } from '../../../kernel/index.ts';
import type { LandfallError } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { chartOfHelmChart } from '../../../boundaries/render/index.ts';
import type { Chart, ChartOptions, FluxFailure } from '../../../boundaries/render/index.ts';
import type { Turn } from '../../queue.ts';
import { requested } from '../kinds.ts';
import { reconcileSource, sourceFailed } from '../source-status.ts';
import type { Found, SourceOptions } from '../source-status.ts';

/** One look at a HelmChart: which version it is now. It is fetched by whoever renders it. */
export async function reconcileHelmChart(
  options: SourceOptions,
  charts: ChartOptions,
  object: KubeObject,
  turn: Turn,
): Promise<{ readonly again?: number } | undefined> {
  return reconcileSource(options, object, turn, {
    failed: 'ChartPullError',
    prefix: 'chart pull error: ',
    async find() {
      try {
        const chart = await chartOfHelmChart(charts, object, requested(object) !== undefined, turn.signal);
        return await found(options, object, chart, turn);
      } catch (thrown) {
        throw refusalOf(thrown) ?? thrown;
      }
    },
  });
}

async function found(
  { client }: SourceOptions,
  object: KubeObject,
  chart: Chart,
  turn: Turn,
): Promise<Found> {
  const { name, version, place, valueFiles, ignoreMissing } = chart;
  const isPackaged = place.kind === 'tree' || valueFiles.length > 0;
  const listed = getArray(object, 'spec', 'valuesFiles').filter(
    (item): item is string => typeof item === 'string',
  );
  const merged = listed.length === 0 ? '' : ` and merged values files [${listed.join(' ')}]`;
  const message = `${isPackaged ? 'packaged' : 'pulled'} '${name}' chart with version '${version}'${merged}`;
  const reason = isPackaged ? 'ChartPackageSucceeded' : 'ChartPullSucceeded';
  const ref = getObject(object, 'spec', 'sourceRef');
  const { namespace = 'default' } = object.metadata;
  const source = await client.get(
    {
      apiVersion: object.apiVersion,
      kind: getString(ref, 'kind') ?? '',
      namespace,
      name: getString(ref, 'name') ?? '',
    },
    turn.signal,
  );
  const parts = JSON.stringify([chart.identity, listed]);
  return {
    revision: version,
    digest: `sha256:${createHash('sha256').update(parts).digest('hex')}`,
    file: `${name}-${version}.tgz`,
    url: getString(source, 'spec', 'url') ?? '',
    reason,
    message,
    news: { reason, message },
    status: {
      observedChartName: name,
      observedSourceArtifactRevision: getString(source, 'status', 'artifact', 'revision'),
      observedValuesFiles: ignoreMissing && listed.length > 0 ? listed : undefined,
      url: getString(source, 'spec', 'url') ?? '',
    },
  };
}

/** What the status says of a chart that could not be found; undefined: nothing is known that is more exact. */
function refusalOf(thrown: unknown): LandfallError | undefined {
  const error = asLandfallError(thrown);
  const failure = 'failure' in error ? (error.failure as FluxFailure) : undefined;
  const { message } = error;
  if (failure?.stalled === true) {
    return sourceFailed({
      reason: 'UnsupportedSourceKind',
      message: `failed to get source: ${message}`,
      stalled: true,
    });
  }
  if (failure !== undefined) {
    const isMissing = message.includes('artifact not found');
    return sourceFailed({
      reason: isMissing ? 'NoSourceArtifact' : 'SourceUnavailable',
      message: isMissing ? message : `failed to get source: ${message}`,
      ...(failure.again === undefined ? {} : { again: failure.again }),
    });
  }
  if (error.code === 'helm-missing') return sourceFailed({ reason: 'HelmMissing', message });
  if (error.code === 'chart-missing') {
    return sourceFailed({ reason: 'InvalidChartReference', message: `invalid chart reference: ${message}` });
  }
  if (
    error.code === 'template-failed' &&
    /\b401\b|\b403\b|unauthorized|authentication required/i.test(message)
  ) {
    return sourceFailed({
      reason: 'AuthenticationFailed',
      message: `failed to authenticate with the Helm repository: ${message}`,
    });
  }
  return undefined;
}
