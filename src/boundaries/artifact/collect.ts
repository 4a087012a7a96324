import { mapBounded } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import { parseReference, readBuildRecords, readProvenance } from '../../oci/index.ts';
import type { RegistryClient, Resolution } from '../../oci/index.ts';
import { withoutTag } from '../names.ts';
import { attempt, read } from '../reading.ts';
import type { Reading } from '../reading.ts';
import type { FieldSource, RenderedFacts } from '../rendered.ts';
import { templateContainers } from '../workload.ts';
import { REVISION_LABEL } from './facts.ts';
import type { BuildFacts, ImageAnswer, ImageFacts, ImageUse } from './facts.ts';

const AT_ONCE = 6;

/** A repository in full, so that two spellings of it can be told to be one; as it is where it is no reference. */
export function fullRepository(name: string): string {
  try {
    const { registry, repository } = parseReference(name);
    return `${registry}/${repository}`;
  } catch {
    return name;
  }
}

interface Named {
  readonly reference: string;
  readonly uses: ImageUse[];
  readonly origin: { readonly file: string; readonly line: number } | undefined;
}

function originOf(
  source: FieldSource | undefined,
): { readonly file: string; readonly line: number } | undefined {
  return source && { file: source.file, line: source.line };
}

function imagesOf(rendered: readonly RenderedFacts[]): readonly Named[] {
  const named = new Map<string, Named>();
  for (const { object, why } of rendered) {
    for (const { name, image, role, imagePath } of templateContainers(object)) {
      const use = { object: objectName(object), container: name, role };
      const known = named.get(image);
      if (known === undefined)
        named.set(image, { reference: image, uses: [use], origin: originOf(why(imagePath)[0]) });
      else known.uses.push(use);
    }
  }
  return [...named.values()];
}

async function buildOf(
  registry: RegistryClient,
  resolution: Resolution,
  signal: AbortSignal,
): Promise<BuildFacts | undefined> {
  const records = await readBuildRecords(registry, resolution, signal);
  // The same bytes may have been pushed more than once: the first push is when they became available.
  const record = records.at(-1)?.record;
  if (record === undefined) return undefined;
  const also = new Set(records.map((other) => other.record.commit));
  also.delete(record.commit);
  const { repository, commit, ref, version, builder, builtAt, pushedAt } = record;
  return {
    repository,
    commit,
    ref,
    builder,
    builtAt,
    pushedAt,
    ...(version === undefined ? {} : { version }),
    ...(also.size === 0 ? {} : { also: [...also] }),
  };
}

/** What the tag of a pinned reference is now, where that is something else; undefined too where it cannot be told. */
async function taggedOf(
  registry: RegistryClient,
  reference: string,
  answer: ImageAnswer,
  signal: AbortSignal,
): Promise<ImageAnswer | undefined> {
  const found = await attempt(async () => {
    const { registry: host, repository, tag, digest } = parseReference(reference);
    if (tag === undefined || digest === undefined) return undefined;
    const name = { registry: host, repository, tag };
    if ((await registry.head(name, signal)).digest === answer.digest) return undefined;
    const resolution = await registry.resolve(name, signal);
    return { digest: resolution.digest, platforms: resolution.manifests };
  }, signal);
  return found.state === 'read' ? found.value : undefined;
}

export interface CollectedImages {
  readonly images: readonly ImageFacts[];
  /** By reference as rendered: what each was resolved to, once. */
  readonly resolutions: ReadonlyMap<string, Resolution>;
}

/**
 * Resolves every image that the rendered manifests name, each once, and reads the build records attached to it.
 * `declared` are the names of images that we build, as `landfall.yaml` says.
 */
export async function collectImages(
  registry: RegistryClient,
  rendered: readonly RenderedFacts[],
  declared: ReadonlySet<string>,
  clock: Clock,
  signal: AbortSignal,
): Promise<CollectedImages> {
  const resolutions = new Map<string, Resolution>();
  const ownNames = new Set([...declared].map(fullRepository));
  const images = await mapBounded(
    imagesOf(rendered),
    AT_ONCE,
    async ({ reference, uses, origin }): Promise<ImageFacts> => {
      const readAt = new Date(clock.now()).toISOString();
      const repository = withoutTag(reference);
      const resolution = await attempt(async () => registry.resolve(reference, signal), signal);
      if (resolution.state === 'read') resolutions.set(reference, resolution.value);
      const answer: Reading<ImageAnswer> =
        resolution.state === 'read'
          ? read({ digest: resolution.value.digest, platforms: resolution.value.manifests })
          : resolution;
      const build: Reading<BuildFacts | undefined> =
        resolution.state === 'read'
          ? await attempt(() => buildOf(registry, resolution.value, signal), signal)
          : resolution;
      const parsed = await attempt(async () => parseReference(reference), signal);
      const labelled =
        answer.state === 'read' &&
        answer.value.platforms.some(({ labels }) => labels[REVISION_LABEL] !== undefined);
      const tagged =
        answer.state === 'read' ? await taggedOf(registry, reference, answer.value, signal) : undefined;
      const record = build.state === 'read' ? build.value : undefined;
      const ours =
        ownNames.has(fullRepository(repository)) || record !== undefined || (declared.size === 0 && labelled);
      // A record of ours says it all; what others attested is asked for where there is none.
      const provenance =
        ours && record === undefined && resolution.state === 'read'
          ? await attempt(() => readProvenance(registry, resolution.value, signal), signal)
          : undefined;
      return {
        reference,
        registry: parsed.state === 'read' ? parsed.value.registry : '',
        repository,
        tag: parsed.state === 'read' ? parsed.value.tag : undefined,
        pinned: parsed.state === 'read' ? parsed.value.digest : undefined,
        origin,
        uses,
        answer,
        build,
        ours,
        ...(provenance === undefined ? {} : { provenance }),
        ...(tagged === undefined ? {} : { tagged }),
        readAt,
      };
    },
  );
  return { images, resolutions };
}
