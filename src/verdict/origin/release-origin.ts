import { LandfallError, asLandfallError, getIn, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import {
  GIT_REPOSITORY,
  HELM_REPOSITORY,
  OCI_REPOSITORY,
  attempt,
  durationMs,
  hiding,
  objectKey,
  read,
  releasesOf,
  valueOf,
} from '../../boundaries/index.ts';
import type { ClaimSource, Reading, RenderedSet } from '../../boundaries/index.ts';
import {
  chartOf,
  composeValues,
  createArtifacts,
  isFirstRelease,
  ociArtifactNow,
  renderRelease,
  valuesDigest,
} from '../../boundaries/render/index.ts';
import type { Chart, ReleaseValues } from '../../boundaries/render/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { ApplicationSpec } from '../application.ts';
import { trackedRevision } from '../flux.ts';
import type { Sources } from '../question.ts';
import { chartDigest, chartSince, chartSource, findVersion } from './chart-origin.ts';
import type { FoundRevision, Origin } from './origin.ts';
import { registrationOf } from './registration.ts';
import type { Registered } from './registration.ts';
import { valueLines } from './value-lines.ts';

/** The chart as it is now, and what was met on the way to it. */
interface FoundChart {
  readonly chart: Chart;
  readonly source: ClaimSource | undefined;
  readonly told: readonly { readonly attribute: string; readonly value: string }[];
  readonly find?: (revision: string) => Promise<FoundRevision>;
}

/**
 * A HelmRelease: the chart that it asks for now and its values, whatever was released last. Where a Kustomization
 * delivers the release itself, what counts is the release as the files of that ask for it.
 */
export async function releaseOrigin(
  sources: Sources,
  spec: ApplicationSpec,
  signal: AbortSignal,
): Promise<Origin> {
  const registered = await attempt(() => registrationOf(sources, spec.object, signal), signal);
  if (registered.state !== 'read') return unregistered(spec, registered);
  const release = registered.value?.release ?? spec.object;
  const found = await attempt(() => findChart(sources, release, signal), signal);
  const values = await attempt(() => valuesOf(sources, release, signal), signal);
  const { chart } = spec.source;
  const asked = spec.revision;
  const isUnasked = found.state !== 'read' && found.code === 'helm-missing';
  const version = valueOf(found)?.chart.version ?? (isUnasked ? asked : undefined);
  const line = registered.value?.facts.why(['spec', 'chart', 'spec', 'version'])[0];
  const expected = found.state === 'read' ? read(found.value.chart.version) : found;
  const lastLook = durationMs(getString(release, 'spec', 'chart', 'spec', 'interval'));
  const digest = values.state === 'read' ? valuesDigest(values.value.values) : undefined;
  return {
    display: spec.repository,
    tracked:
      version === undefined
        ? unknownChart(found)
        : read({
            repository: spec.repository,
            revision: asked,
            commit: version,
            kind: 'chart',
            path: chart ?? valueOf(found)?.chart.name ?? spec.path,
            pathExists: true,
            source: valueOf(found)?.source ?? releaseSource(spec.object),
            ...(line === undefined ? {} : { where: `${line.file}:${line.line}` }),
            told: [
              ...(valueOf(found)?.told ?? []),
              ...(digest === undefined ? [] : [{ attribute: 'values.digest', value: digest }]),
            ],
          }),
    expected,
    since: await releasedSince(sources, spec.object, valueOf(found)?.chart, signal),
    ...(lastLook === undefined ? {} : { pollMs: lastLook }),
    files: registered.value?.files,
    ...(digest === undefined ? {} : { configDigest: digest }),
    ...(registered.value === undefined ? {} : { registration: registered.value.registration }),
    render: async () => ({
      set: await renderedSet(sources, release, { found, values, registered: registered.value }, signal),
      also: [],
    }),
    find: (revision) =>
      valueOf(found)?.find?.(revision) ?? findVersion(chart ?? spec.name, version, revision),
  };
}

/** Since when a version of a repository that was not released yet is there; undefined where nobody says. */
async function releasedSince(
  sources: Sources,
  release: KubeObject,
  chart: Chart | undefined,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (chart === undefined || chart.place.kind !== 'repository') return undefined;
  if (releasesOf(release)[0]?.chart === chart.version) return undefined;
  const { helm } = sources;
  const program = { ...(helm === undefined ? {} : { command: helm }), access: chart.access };
  return chartSince(sources, program, chart.place, signal);
}

/** What Git asks for of the release itself is not known, or Git asks for it no more. */
function unregistered(
  spec: ApplicationSpec,
  registered: Exclude<Reading<unknown>, { state: 'read' }>,
): Origin {
  const { why, code = 'registration-unread', hint } = registered;
  const reading: Reading<never> = {
    state: registered.state,
    why,
    code,
    ...(hint === undefined ? {} : { hint }),
  };
  const error = () =>
    new LandfallError(why, { kind: 'unavailable', code, ...(hint === undefined ? {} : { hint }) });
  return {
    display: spec.repository,
    tracked: reading,
    expected: reading,
    since: undefined,
    files: undefined,
    render: () => Promise.reject(error()),
    find: () => Promise.reject(error()),
  };
}

function releaseSource({ apiVersion, kind, metadata }: KubeObject): ClaimSource {
  const { name, namespace, resourceVersion } = metadata;
  return {
    type: 'object',
    apiVersion,
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

/** A chart that is not where the release says is an answer; everything else that failed is none. */
function unknownChart(found: Reading<FoundChart>): Reading<never> {
  return found.state === 'read'
    ? { state: 'unreadable', why: 'the chart is not known', code: 'chart-unread' }
    : found;
}

async function findChart(sources: Sources, release: KubeObject, signal: AbortSignal): Promise<FoundChart> {
  const { kube, git, registry, clock, helm } = sources;
  const told: { attribute: string; value: string }[] = [];
  let source: ClaimSource | undefined;
  let find: FoundChart['find'];
  try {
    const chart = await chartOf(
      {
        client: kube,
        clock,
        ...(helm === undefined ? {} : { helm }),
        versions: new Map(),
        // Who applied it has checked its signature, or has refused it and says so.
        unverified: true,
        async source(owner, ref) {
          const object = await sourceObject(sources, owner, ref, signal);
          const url = getString(object, 'spec', 'url') ?? '';
          if (object.kind === 'OCIRepository') {
            const { tag, digest } = await ociArtifactNow(kube, object, signal, registry);
            const name = url.replace(/^oci:\/\//, '');
            source = {
              type: 'registry',
              reference: tag === undefined ? `${name}@${digest}` : `${name}:${tag}`,
            };
            told.push({ attribute: 'chart.digest', value: digest });
            return {
              content: digest,
              tree: await createArtifacts(kube, registry).tree(object, digest, signal),
            };
          }
          const mirror = git.open(url);
          await mirror.fetch(signal);
          const { commit } = await mirror.resolve(trackedRevision(object), signal);
          told.push({ attribute: 'source.commit', value: commit });
          find = async (revision) => {
            const own = (await mirror.resolve(revision, signal)).commit;
            return { commit: own, contained: await mirror.isAncestor(own, commit, signal) };
          };
          return { content: commit, tree: mirror.tree(commit) };
        },
      },
      release,
      true,
      signal,
    );
    if (chart.place.kind === 'repository') {
      const { url, chart: name, version } = chart.place;
      source = chartSource(url, name, version);
      const digest = await chartDigest(sources, url, name, version, signal);
      if (digest !== undefined) told.push({ attribute: 'chart.digest', value: digest });
    }
    return { chart, source, told, ...(find === undefined ? {} : { find }) };
  } catch (thrown) {
    throw absentIfGone(asLandfallError(thrown));
  }
}

/** Flux says of what a reference names that it is not found: then it is not there, and not merely unread. */
function absentIfGone(error: LandfallError): LandfallError {
  const isGone =
    error.code === 'chart-missing' || (error.code === 'flux-failure' && error.message.endsWith('not found'));
  if (!isGone) return error;
  return new LandfallError(error.message, {
    kind: 'not-found',
    code: 'chart-missing',
    hint: error.hint ?? 'Create it, or mend spec.chart of the HelmRelease.',
    cause: error,
  });
}

async function sourceObject(
  { kube }: Sources,
  owner: KubeObject,
  ref: JsonObject | undefined,
  signal: AbortSignal,
): Promise<KubeObject> {
  const kind = getString(ref, 'kind') ?? '';
  const name = getString(ref, 'name') ?? '';
  const namespace = getString(ref, 'namespace') || (owner.metadata.namespace ?? 'default');
  const known = [GIT_REPOSITORY, OCI_REPOSITORY, HELM_REPOSITORY].find((each) => each.kind === kind);
  if (known === undefined) {
    throw new LandfallError(
      `The chart comes from the ${kind} ${namespace}/${name}, which is not read here.`,
      {
        kind: 'unavailable',
        code: 'source-unread',
        object: `${namespace}/${name}`,
        hint: `See what its controller says: kubectl describe ${kind.toLowerCase()} ${name} -n ${namespace}`,
      },
    );
  }
  const object = await kube.get({ ...known, namespace, name }, signal);
  if (object !== undefined) return object;
  throw new LandfallError(`The ${kind} ${namespace}/${name} that the chart comes from does not exist.`, {
    kind: 'not-found',
    code: 'source-missing',
    object: `${namespace}/${name}`,
    hint: 'Create it, or mend spec.chart of the HelmRelease.',
  });
}

function valuesOf({ kube }: Sources, release: KubeObject, signal: AbortSignal): Promise<ReleaseValues> {
  const { namespace = 'default' } = release.metadata;
  return composeValues(release, (kind, name) =>
    kube.get({ apiVersion: 'v1', kind, namespace, name }, signal),
  );
}

interface ToRender {
  readonly found: Reading<FoundChart>;
  readonly values: Reading<ReleaseValues>;
  readonly registered: Registered | undefined;
}

function unavailable(reading: Exclude<Reading<unknown>, { state: 'read' }>): LandfallError {
  const { why, code = 'chart-unread', hint } = reading;
  return new LandfallError(why, { kind: 'unavailable', code, ...(hint === undefined ? {} : { hint }) });
}

async function renderedSet(
  { kube, helm }: Sources,
  release: KubeObject,
  { found, values, registered }: ToRender,
  signal: AbortSignal,
): Promise<RenderedSet> {
  const set = { sourceType: 'Helm', findings: [], warnings: [] } as const;
  if (found.state !== 'read') throw unavailable(found);
  if (values.state !== 'read') {
    if (values.code !== 'flux-failure') throw unavailable(values);
    return { ...set, objects: [], failure: { code: 'release-values', message: values.why } };
  }
  try {
    const { gitVersion } = await kube.version(signal);
    const rendered = await renderRelease({
      release,
      chart: found.value.chart,
      values: values.value,
      action: isFirstRelease(release) ? 'install' : 'upgrade',
      about: { gitVersion, apiVersions: await kube.apiVersions(signal) },
      cluster: kube,
      helm,
      stable: true,
      signal,
    });
    // Definitions of crds/ are made once and left alone: they have to be there, and need not be what the chart has now.
    const objects = rendered.objects.filter((object) => !rendered.definitions.has(objectKey(object)));
    const lines = registered === undefined ? () => [] : valueLines(registered.facts);
    return {
      ...set,
      objects: [
        ...objects.map((object) =>
          hiding({ object, why: (path) => lines(getIn(object, ...path)) }, values.value.secrets),
        ),
        ...rendered.seeds.map((object) => ({ object, why: () => [], seed: true as const })),
      ],
    };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind !== 'invalid-input') throw error;
    const code = error.code === 'flux-failure' ? 'post-render' : error.code;
    return { ...set, objects: [], failure: { code, message: error.message } };
  }
}
