import { asLandfallError, LandfallError, sleep } from '../../../kernel/index.ts';
import type { Clock } from '../../../kernel/index.ts';
import type { Build } from '../../../ledger/index.ts';
import { buildImage, parseReference, platformText, readBuildRecords } from '../../../oci/index.ts';
import type { BuildRecord, BuiltImage, RegistryClient, Resolution } from '../../../oci/index.ts';
import { tagOf } from '../definition.ts';
import type { BuildPlan } from '../definition.ts';
import { folderInside } from './workspace.ts';

const REVISION = 'org.opencontainers.image.revision';

/** What has the tag that a build is going to push. */
export interface Present {
  readonly resolution: Resolution;
  /** The commit that it says it was built from: in its build record, else in its label. */
  readonly commit: string | undefined;
  readonly says: 'build record' | 'label';
}

/** What a reference is now; undefined where there is none. */
export async function presentAt(
  registry: RegistryClient,
  image: string,
  signal: AbortSignal,
): Promise<Present | undefined> {
  let resolution: Resolution;
  try {
    resolution = await registry.resolve(image, signal);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'not-found') return undefined;
    throw error;
  }
  const [attached] = await readBuildRecords(registry, resolution, signal);
  if (attached !== undefined) return { resolution, commit: attached.record.commit, says: 'build record' };
  const labels = new Set(resolution.manifests.map((each) => each.labels[REVISION]));
  return { resolution, commit: labels.size === 1 ? [...labels][0] : undefined, says: 'label' };
}

/** The image of a build, from a folder of its checkout. The same commit makes the same bytes. */
export async function packageImage(
  build: Build,
  plan: BuildPlan,
  source: string,
  committedAt: string,
  signal: AbortSignal,
): Promise<BuiltImage> {
  const { package: made } = plan;
  if (made === undefined)
    throw new LandfallError('Nothing is packaged.', { kind: 'bug', code: 'build-package' });
  const version = tagOf(build.ref);
  return buildImage(
    {
      folder: await folderInside(source, made.folder ?? '.'),
      entrypoint: made.entrypoint,
      ...(made.cmd === undefined ? {} : { cmd: made.cmd }),
      ...(made.env === undefined ? {} : { env: made.env }),
      ...(made.workdir === undefined ? {} : { workingDir: made.workdir }),
      ...(made.ports === undefined ? {} : { exposedPorts: made.ports }),
      ...(made.user === undefined ? {} : { user: made.user }),
      ...(made.platforms === undefined
        ? {}
        : {
            platforms: made.platforms.map((text) => {
              const [os = '', architecture = '', variant] = text.split('/');
              return { os, architecture, ...(variant === undefined ? {} : { variant }) };
            }),
          }),
      labels: {
        revision: build.commit,
        source: build.repository,
        ...(version === undefined ? {} : { version }),
      },
      created: committedAt,
    },
    signal,
  );
}

/** A tag that has another image is not taken from it. Registries know no compare-and-swap: this looks first. */
export function refuseOther(image: string, present: Present | undefined, digest: string | undefined): void {
  if (present === undefined || present.resolution.digest === digest) return;
  const { commit, says, resolution } = present;
  const whose =
    commit === undefined
      ? 'it does not say of which commit'
      : `its ${says} says commit ${commit.slice(0, 12)}`;
  throw new LandfallError(
    `${image} has another image already: ${resolution.digest.slice(0, 19)}, ${whose}. It was left as it is.`,
    {
      kind: 'conflict',
      code: 'build-tag-taken',
      object: image,
      hint: "Delete that tag in the registry, build another tag, or declare 'overwrite: true'.",
    },
  );
}

const PAUSES_MS = [2_000, 10_000, 30_000] as const;

/** Again for a while when a registry does not answer; everything else is an answer. */
export async function patiently<T>(
  clock: Clock,
  signal: AbortSignal,
  say: (text: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (thrown) {
      const error = asLandfallError(thrown);
      const pause = PAUSES_MS[attempt];
      if (error.kind !== 'unavailable' || pause === undefined || signal.aborted) throw error;
      say(`${error.message}; tried again in ${pause / 1000} s`);
      await sleep(clock, pause, signal);
    }
  }
}

/** The digests of an answer, as a build record keeps them. */
export function platformDigests(
  resolution: Resolution,
): Pick<BuildRecord, 'digest' | 'index' | 'manifests' | 'configs'> {
  const { digest, kind, manifests } = resolution;
  return {
    digest,
    ...(kind === 'index' ? { index: digest } : {}),
    manifests: Object.fromEntries(manifests.map((each) => [platformText(each), each.digest])),
    configs: Object.fromEntries(manifests.map((each) => [platformText(each), each.configDigest])),
  };
}

/** Which commit became which image, by what the registry answers for it. */
export function recordOf(
  build: Build,
  resolution: Resolution,
  times: { readonly builtAt: string; readonly pushedAt: string },
): BuildRecord {
  const version = tagOf(build.ref);
  return {
    repository: build.repository,
    commit: build.commit,
    ref: build.ref,
    ...(version === undefined ? {} : { version }),
    image: build.image,
    ...platformDigests(resolution),
    ...times,
    builder: 'landfall',
    build: build.id,
  };
}

/** By digest: whatever becomes of the tag meanwhile, this is about what was pushed. */
export async function resolvePushed(
  registry: RegistryClient,
  image: string,
  digest: string,
  signal: AbortSignal,
): Promise<Resolution> {
  const { registry: host, repository } = parseReference(image);
  return registry.resolve({ registry: host, repository, digest }, signal);
}
