import { LandfallError, asLandfallError, getString } from '../../kernel/index.ts';
import { applicationStatus, attempt, read, valueOf } from '../../boundaries/index.ts';
import type { ClaimSource, Reading } from '../../boundaries/index.ts';
import { chartCreated } from '../../boundaries/render/index.ts';
import type { HelmProgram } from '../../boundaries/render/index.ts';
import { parseReference } from '../../oci/index.ts';
import type { ApplicationSpec } from '../application.ts';
import { helmForChart } from '../helm-program.ts';
import type { Sources } from '../question.ts';
import { chartVersion, renderSources } from '../render-sources.ts';
import type { Origin } from './origin.ts';

/** `HEAD` is what Argo CD's default comes to: the newest that is no pre-release. */
const NEWEST = 'HEAD';

/** An application whose first source is a chart of a Helm repository or of a registry. */
export async function chartOrigin(
  sources: Sources,
  spec: ApplicationSpec,
  signal: AbortSignal,
): Promise<Origin> {
  const { source } = spec;
  const chart = source.chart ?? '';
  const wanted = source.targetRevision === NEWEST ? '*' : source.targetRevision;
  const version = await attempt(() => chartVersion(sources, spec, source, signal), signal);
  // What it asks for is known without the program that looks a range up; what that is now is not.
  const isUnasked = version.state !== 'read' && version.code === 'helm-missing';
  const commit = valueOf(version) ?? (isUnasked ? wanted : undefined);
  const digest =
    version.state === 'read'
      ? await chartDigest(sources, source.repoURL, chart, version.value, signal)
      : undefined;
  const beside = await filesBeside(sources, spec, signal);
  return {
    display: spec.repository,
    tracked:
      commit === undefined
        ? unknownVersion(version)
        : read({
            repository: spec.repository,
            revision: wanted,
            commit,
            kind: 'chart',
            path: chart,
            pathExists: true,
            source: chartSource(source.repoURL, chart, commit),
            ...(digest === undefined ? {} : { told: [{ attribute: 'chart.digest', value: digest }] }),
          }),
    expected: version,
    since: version.state === 'read' ? await versionSince(sources, spec, version.value, signal) : undefined,
    files: beside,
    async render() {
      if (version.state === 'read') return renderSources(sources, spec, version.value, signal);
      throw new LandfallError(version.why, {
        kind: 'unavailable',
        code: version.code ?? 'chart-unread',
        object: chart,
        ...(version.hint === undefined ? {} : { hint: version.hint }),
      });
    },
    find: (revision) => findVersion(chart, commit, revision),
  };
}

/** Since when a version that the controller does not have yet is there; undefined where nobody says. */
async function versionSince(
  sources: Sources,
  spec: ApplicationSpec,
  version: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (applicationStatus(spec.object).revisions.includes(version)) return undefined;
  const { source } = spec;
  const program = await helmForChart(sources, spec, source, signal);
  return chartSince(sources, program, { url: source.repoURL, chart: source.chart ?? '', version }, signal);
}

/** When a version of a chart was packed or pushed, as its repository or registry says it. */
export async function chartSince(
  { registry }: Pick<Sources, 'registry'>,
  program: HelmProgram,
  place: { readonly url: string; readonly chart: string; readonly version: string },
  signal: AbortSignal,
): Promise<number | undefined> {
  const { url, chart, version } = place;
  if (/^https?:\/\//.test(url))
    return valueOf(await attempt(() => chartCreated(place, program, signal), signal));
  const manifest = await attempt(
    () => registry.getManifest(parseReference(ociChart(url, chart, version)), signal),
    signal,
  );
  const text = getString(valueOf(manifest)?.json, 'annotations', 'org.opencontainers.image.created') ?? '';
  const created = Date.parse(text);
  return Number.isNaN(created) ? undefined : created;
}

function unknownVersion(reading: Reading<string>): Reading<never> {
  if (reading.state !== 'read') return reading;
  return { state: 'unreadable', why: 'the version of the chart is not known', code: 'chart-unread' };
}

/** Where a chart is looked up again. */
export function chartSource(url: string, chart: string, version: string): ClaimSource {
  if (/^https?:\/\//.test(url)) return { type: 'http', url: `${url.replace(/\/+$/, '')}/index.yaml` };
  return { type: 'registry', reference: ociChart(url, chart, version) };
}

/** Registries know no `+` in a tag: helm writes an underscore. */
function ociChart(url: string, chart: string, version: string): string {
  return `${url.replace(/^oci:\/\//, '').replace(/\/+$/, '')}/${chart}:${version.replaceAll('+', '_')}`;
}

/** The digest of a chart in a registry, where that says it to whoever asks. */
export async function chartDigest(
  { registry }: Pick<Sources, 'registry'>,
  url: string,
  chart: string,
  version: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (/^https?:\/\//.test(url)) return undefined;
  const head = await attempt(
    async () => (await registry.head(parseReference(ociChart(url, chart, version)), signal)).digest,
    signal,
  );
  return valueOf(head);
}

/** A version, and whether it is the one that is asked for. */
export function findVersion(chart: string, now: string | undefined, revision: string) {
  const plain = (version: string) => version.replace(/^v/, '').replace(/\+.*$/, '');
  if (now !== undefined && plain(now) === plain(revision)) {
    return Promise.resolve({ commit: now, contained: true });
  }
  if (/^v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/.test(revision)) {
    return Promise.resolve({ commit: revision, contained: false });
  }
  return Promise.reject(
    new LandfallError(`${revision} is no version of the chart ${chart}.`, {
      kind: 'not-found',
      code: 'git-revision-missing',
      object: revision,
      hint: 'Name a version of the chart, or a commit of the source that the image was built from.',
    }),
  );
}

/** The Git repository among the sources, where the values lie: a landfall.yaml may lie there, too. */
async function filesBeside(sources: Sources, spec: ApplicationSpec, signal: AbortSignal) {
  const other = spec.sources?.find(({ chart, repoURL }) => chart === undefined && repoURL !== '');
  if (other === undefined) return undefined;
  try {
    const mirror = sources.git.open(other.repoURL);
    await mirror.fetch(signal);
    return mirror.tree((await mirror.resolve(other.targetRevision, signal)).commit);
  } catch (thrown) {
    // Rendering says so where the values are read from it.
    if (asLandfallError(thrown).kind === 'cancelled') throw thrown;
    return undefined;
  }
}
