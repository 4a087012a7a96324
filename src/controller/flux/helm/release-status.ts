import { getArray, getNumber, getObject, getString, isJsonObject } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import type { Chart, ReleaseName } from '../../../boundaries/render/index.ts';
import { kubeTime } from '../../status.ts';
import { helmChartOf } from './chart-template.ts';

/** One release in `status.history`, as helm-controller keeps them; the newest stands first. */
export interface Snapshot {
  readonly version: number;
  /** Of everything that the release is made of. */
  readonly digest: string;
  readonly status: string;
  readonly chartName: string;
  readonly chartVersion: string;
  readonly raw: JsonObject;
}

const MOST = 100;

/** `spec.maxHistory`; 0 is no limit, and none is endless. */
function kept(release: KubeObject): number {
  const wanted = getNumber(release, 'spec', 'maxHistory') ?? 5;
  return wanted <= 0 ? MOST : Math.min(wanted, MOST);
}

export function snapshots(release: KubeObject): readonly Snapshot[] {
  return getArray(release, 'status', 'history')
    .filter(isJsonObject)
    .map((raw) => ({
      version: getNumber(raw, 'version') ?? 0,
      digest: getString(raw, 'digest') ?? '',
      status: getString(raw, 'status') ?? '',
      chartName: getString(raw, 'chartName') ?? '',
      chartVersion: getString(raw, 'chartVersion') ?? '',
      raw,
    }));
}

/** The history with a new release in front; the one before it is superseded once the new one is deployed. */
export function withRelease(
  release: KubeObject,
  about: {
    readonly name: ReleaseName;
    readonly chart: Pick<Chart, 'name' | 'version'>;
    readonly digest: string;
    readonly configDigest: string;
    readonly status: string;
    readonly action: 'install' | 'upgrade';
    readonly now: number;
  },
): JsonObject[] {
  const before = snapshots(release);
  const { name, chart, digest, configDigest, status, action, now } = about;
  const entry: JsonObject = {
    apiVersion: 'v2',
    action,
    name: name.name,
    namespace: name.namespace,
    version: (before[0]?.version ?? 0) + 1,
    chartName: chart.name,
    chartVersion: chart.version,
    configDigest,
    digest,
    status,
    firstDeployed: getString(before.at(-1)?.raw, 'firstDeployed') ?? kubeTime(now),
    lastDeployed: kubeTime(now),
  };
  return [entry, ...before.map(({ raw }) => raw)].slice(0, kept(release));
}

/** The history with another status of the newest; a deployed one supersedes those before it. */
export function withStatus(release: KubeObject, status: string): JsonObject[] {
  return snapshots(release).map(({ raw, status: had }, index) => {
    if (index === 0) return { ...raw, status };
    return status === 'deployed' && had === 'deployed' ? { ...raw, status: 'superseded' } : raw;
  });
}

/** `default/podinfo.v2`, as helm-controller names a release in its sentences. */
export function releaseText(
  { name, namespace }: ReleaseName,
  version: number,
  chart: Pick<Chart, 'name' | 'version'>,
) {
  return `release ${namespace}/${name}.v${version} with chart ${chart.name}@${chart.version}`;
}

/** The status as it is, with what only the spec decides. */
export function statusOf(release: KubeObject): JsonObject {
  const { helmChart: _, ...status } = getObject(release, 'status') ?? {};
  const chart = helmChartOf(release);
  return { ...status, ...(chart === undefined ? {} : { helmChart: chart }) };
}
