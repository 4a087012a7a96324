import { createHash } from 'node:crypto';
import { getIn, getObject } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { isFirstRelease, releaseName, valuesDigest } from '../../../boundaries/render/index.ts';
import type { Chart, ReleaseValues, RenderedRelease } from '../../../boundaries/render/index.ts';
import { failurePolicy } from '../../failure-policy.ts';
import type { FailurePolicy } from '../../failure-policy.ts';
import type { JournalSubject } from '../../journals.ts';
import type { Turn } from '../../queue.ts';
import type { FluxTarget } from '../failure.ts';
import { compareRelease } from './compare-release.ts';
import type { ComparedRelease } from './compare-release.ts';
import type { ReleaseOptions } from './release-options.ts';
import { actionTimeout, isInstallRemediated, mustForgetFailures } from './remediation.ts';
import type { Action } from './remediation.ts';

/** What a turn works on. */
export interface Release {
  readonly object: KubeObject;
  readonly target: FluxTarget;
  readonly chart: Chart;
  readonly rendered: RenderedRelease;
  readonly action: Action;
  /** Of chart, values and spec: another one is another release. */
  readonly digest: string;
  readonly configDigest: string;
  readonly compared: ComparedRelease;
  /** What failed before was something else, or is not to count. */
  readonly forgets: boolean;
}

export async function releaseOf(
  options: ReleaseOptions,
  object: KubeObject,
  chart: Chart,
  values: ReleaseValues,
  turn: Turn,
): Promise<Release> {
  const target = await options.target(object, turn.signal);
  const action = isFirstRelease(object, chart.name) ? 'install' : 'upgrade';
  const { client } = target;
  const { helm } = options;
  const { signal } = turn;
  const rendered = await turn.outside(() =>
    options.render({ release: object, chart, values, action, client, helm, signal }),
  );
  const configDigest = valuesDigest(values.values);
  const {
    releaseName: _r,
    targetNamespace: _t,
    postRenderers,
    commonMetadata,
  } = getObject(object, 'spec') ?? {};
  const digest = digestOf({
    name: { ...releaseName(object) },
    chart: [chart.name, chart.version],
    configDigest,
    postRenderers: postRenderers ?? [],
    commonMetadata: commonMetadata ?? {},
  });
  const compared = await compareRelease(object, rendered, target, signal);
  const forgets = mustForgetFailures(object, { version: chart.version, configDigest });
  return { object, target, chart, rendered, action, digest, configDigest, compared, forgets };
}

function digestOf(value: JsonObject): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(value)).digest('hex')}`;
}

/** Helm's own deadline counts: what is not ready by then is a failed release. */
export function policyOf(options: ReleaseOptions, { object, action }: Release): FailurePolicy {
  return failurePolicy(object, { ...options.policy, healthTimeoutMs: actionTimeout(object, action) });
}

/** One attempt at it, as the ledger names it. */
export function subjectOf(
  options: ReleaseOptions,
  release: Release,
  startedAt: number,
  isDrift: boolean,
): JournalSubject {
  const { object, target, chart, digest, action } = release;
  const { name, namespace = 'default' } = object.metadata;
  const revision = `${chart.version}+${digest.slice('sha256:'.length, 'sha256:'.length + 12)}`;
  const attemptedAt = new Date(startedAt).toISOString();
  return {
    cluster: target.client.server,
    namespace,
    application: `HelmRelease/${name}`,
    operationId: `${attemptedAt} ${revision}`,
    attemptedAt,
    revision,
    user: undefined,
    onFailure: policyOf(options, release).onFailure,
    watched:
      !isDrift && !isWaitDisabled(object, action) && (action === 'upgrade' || isInstallRemediated(object)),
  };
}

export function isWaitDisabled(object: KubeObject, action: Action): boolean {
  return getIn(object, 'spec', action, 'disableWait') === true;
}

export function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/** `UpgradeFailed` and its like. */
export function reasonOf(action: Action, how: 'Succeeded' | 'Failed'): string {
  return `${action === 'install' ? 'Install' : 'Upgrade'}${how}`;
}
