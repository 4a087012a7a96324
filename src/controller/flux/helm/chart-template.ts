import { asLandfallError, getObject, getString, jsonEqual } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import { refOf } from '../../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import { HELM_NAMESPACE_LABEL, HELM_NAME_LABEL } from '../../../boundaries/render/index.ts';
import { HELM_CHART } from '../kinds.ts';

const MANAGER = 'landfall-controller';

/** The HelmChart that belongs to a release with `spec.chart`; undefined where it has none. */
function chartNameOf(release: KubeObject): { readonly namespace: string; readonly name: string } | undefined {
  const template = getObject(release, 'spec', 'chart', 'spec');
  if (template === undefined || getObject(release, 'spec', 'chartRef') !== undefined) return undefined;
  const { name, namespace = 'default' } = release.metadata;
  return {
    namespace: getString(template, 'sourceRef', 'namespace') || namespace,
    name: `${namespace}-${name}`,
  };
}

/** `status.helmChart` of a release, as `namespace/name`. */
export function helmChartOf(release: KubeObject): string | undefined {
  const name = chartNameOf(release);
  return name === undefined ? undefined : `${name.namespace}/${name.name}`;
}

/**
 * Keeps the HelmChart of a release as its `spec.chart` says, so that it can be looked at, and asked to be looked up
 * again (`flux reconcile helmrelease --with-source`).
 */
export async function keepChart(
  client: KubeClient,
  release: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const wanted = chartNameOf(release);
  const before = getString(release, 'status', 'helmChart') ?? '';
  if (before !== '' && before !== helmChartOf(release)) await dropChart(client, release, signal);
  if (wanted === undefined) return undefined;
  const desired = desiredChart(release, wanted);
  const stored = await client.get({ ...HELM_CHART, ...wanted }, signal);
  if (stored !== undefined && holds(stored, desired)) return stored;
  const { object } = await client.apply(
    desired,
    { fieldManager: MANAGER, force: true, before: stored ?? null },
    signal,
  );
  return object;
}

/** Deletes the HelmChart that `status.helmChart` names, where it is still this release's. */
export async function dropChart(client: KubeClient, release: KubeObject, signal: AbortSignal): Promise<void> {
  const [namespace = '', name = ''] = (getString(release, 'status', 'helmChart') ?? '').split('/');
  if (name === '') return;
  const chart = await client.get({ ...HELM_CHART, namespace, name }, signal);
  const { labels } = chart?.metadata ?? {};
  const isOwn =
    labels?.[HELM_NAME_LABEL] === release.metadata.name &&
    labels[HELM_NAMESPACE_LABEL] === (release.metadata.namespace ?? 'default');
  if (chart === undefined || !isOwn) return;
  try {
    await client.delete(refOf(chart), {}, signal);
  } catch (thrown) {
    if (asLandfallError(thrown).kind !== 'not-found') throw thrown;
  }
}

function desiredChart(
  release: KubeObject,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): KubeObject {
  const template = getObject(release, 'spec', 'chart', 'spec') ?? {};
  const metadata = (field: 'labels' | 'annotations') =>
    (getObject(release, 'spec', 'chart', 'metadata', field) ?? {}) as Record<string, string>;
  const { sourceRef, interval, ...rest } = template;
  const spec: JsonObject = {
    ...rest,
    interval: interval ?? getString(release, 'spec', 'interval') ?? '5m',
    sourceRef: { kind: getString(sourceRef, 'kind') ?? '', name: getString(sourceRef, 'name') ?? '' },
  };
  const annotations = metadata('annotations');
  return {
    ...HELM_CHART,
    metadata: {
      name,
      namespace,
      labels: {
        ...metadata('labels'),
        [HELM_NAME_LABEL]: release.metadata.name,
        [HELM_NAMESPACE_LABEL]: release.metadata.namespace ?? 'default',
      },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec,
  };
}

/** What the server adds (defaults, a suspension by hand) makes no difference. */
function holds(stored: KubeObject, desired: KubeObject): boolean {
  const spec = getObject(stored, 'spec') ?? {};
  const wanted = getObject(desired, 'spec') ?? {};
  const { labels, annotations } = desired.metadata;
  const has = (
    had: Readonly<Record<string, string>> | undefined,
    want: Readonly<Record<string, string>> = {},
  ) => Object.entries(want).every(([key, value]) => had?.[key] === value);
  return (
    Object.entries(wanted).every(([key, value]) => jsonEqual(spec[key], value)) &&
    has(stored.metadata.labels, labels) &&
    has(stored.metadata.annotations, annotations)
  );
}
