import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** An image that a node has: its content by config digest, and every name it is known by. */
export interface StoredImage {
  readonly configDigest: string;
  readonly config: ImageConfig;
  /** The unpacked file system; undefined for a simulated image. */
  readonly root: string | undefined;
  readonly sizeBytes: number;
  /** Index, platform manifest and config: what `isExecutable` is asked about. */
  readonly digests: readonly string[];
  /** Nothing was fetched: the registry is not configured, the digest is made from the reference. */
  readonly simulated: boolean;
}

export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
  readonly stopSignal: string | undefined;
}

export interface ImageStore {
  /** By tag, by digest, or by the name a container was started from. */
  find(reference: string): StoredImage | undefined;
  byConfig(configDigest: string): StoredImage | undefined;
  /** Names `image`: a tag moves to it, a digest stays for good. */
  add(image: StoredImage, tag: string | undefined, repoDigest: string): StoredImage;
  /** status.image and imageID of a container that was started from `reference`. */
  reported(configDigest: string, reference: string): { readonly image: string; readonly imageID: string };
  /** For node.status.images. */
  list(): readonly { readonly names: readonly string[]; readonly sizeBytes: number }[];
}

interface Stored {
  readonly images: readonly StoredImage[];
  readonly names: readonly (readonly [string, string])[];
}

/**
 * What a node has in store, with containerd's rules: a tag names what was last pulled under it on this node; all names
 * of one config digest are gathered and sorted, and the first is what a container of any of them reports. The imageID
 * of a running container changes therefore when another reference of the same content is pulled. `file` keeps it
 * beyond the life of this process.
 */
export function imageStore(file?: string): ImageStore {
  const images = new Map<string, StoredImage>();
  const names = new Map<string, string>();
  if (file !== undefined) load(file);

  function load(from: string): void {
    if (!existsSync(from)) return;
    const stored = JSON.parse(readFileSync(from, 'utf8')) as Stored;
    for (const image of stored.images) {
      // What somebody cleared away is pulled again.
      if (image.simulated || (image.root !== undefined && existsSync(image.root))) {
        images.set(image.configDigest, image);
      }
    }
    for (const [name, configDigest] of stored.names) {
      if (images.has(configDigest)) names.set(name, configDigest);
    }
  }

  function save(): void {
    if (file === undefined) return;
    const stored: Stored = { images: [...images.values()], names: [...names] };
    writeFileSync(`${file}.new`, JSON.stringify(stored));
    renameSync(`${file}.new`, file);
  }

  function namesOf(configDigest: string): { tags: string[]; digests: string[] } {
    const all = [...names].filter(([, target]) => target === configDigest).map(([name]) => name);
    return {
      tags: all.filter((name) => !name.includes('@')).sort(),
      digests: all.filter((name) => name.includes('@')).sort(),
    };
  }

  return {
    find(reference) {
      const configDigest = names.get(reference);
      return configDigest === undefined ? undefined : images.get(configDigest);
    },
    byConfig: (configDigest) => images.get(configDigest),
    add(image, tag, repoDigest) {
      const known = images.get(image.configDigest);
      const merged =
        known === undefined
          ? image
          : {
              ...known,
              root: known.root ?? image.root,
              digests: [...new Set([...known.digests, ...image.digests])],
            };
      images.set(image.configDigest, merged);
      if (tag !== undefined) names.set(tag, image.configDigest);
      names.set(repoDigest, image.configDigest);
      save();
      return merged;
    },
    reported(configDigest, reference) {
      const { tags, digests } = namesOf(configDigest);
      return { image: tags[0] ?? reference, imageID: digests[0] ?? configDigest };
    },
    list: () =>
      [...images.values()].map((image) => {
        const { tags, digests } = namesOf(image.configDigest);
        return { names: [...digests, ...tags], sizeBytes: image.sizeBytes };
      }),
  };
}
