import type { Contents } from './contents.ts';
import type { Journal } from './journal.ts';

/** One manifest of one repository. */
export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly pushedAt: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The digest that this manifest refers to. */
  readonly subject?: string;
}

export interface StoredTag {
  readonly digest: string;
  /** When the tag last moved to this digest. */
  readonly at: number;
}

/** Everything that changes what the registry answers. The journal is a list of these. */
export type Change =
  /** A repository that has been emptied is still known. */
  | { readonly op: 'repository'; readonly repository: string }
  | { readonly op: 'blob'; readonly repository: string; readonly digest: string }
  | { readonly op: 'blob-deleted'; readonly repository: string; readonly digest: string }
  | {
      readonly op: 'manifest';
      readonly repository: string;
      readonly manifest: StoredManifest;
      readonly tags: readonly string[];
      readonly at: number;
    }
  | { readonly op: 'manifest-deleted'; readonly repository: string; readonly digest: string }
  | { readonly op: 'tag-deleted'; readonly repository: string; readonly tag: string };

export interface Repository {
  readonly name: string;
  readonly blobs: Set<string>;
  readonly manifests: Map<string, StoredManifest>;
  readonly tags: Map<string, StoredTag>;
  /** Subject digest to the digests of the manifests that refer to it. */
  readonly referrers: Map<string, Set<string>>;
}

/** Which repository holds what. Reads are from memory; a change resolves once it is durable and visible. */
export interface Catalogue {
  repository(name: string): Repository | undefined;
  names(): readonly string[];
  change(change: Change): Promise<void>;
}

/** The state that changes make, without I/O but for contents that nobody holds any more. */
export function newCatalogue(contents: Contents): {
  readonly repositories: Map<string, Repository>;
  apply(change: Change): Promise<void>;
  snapshot(): Iterable<Change>;
} {
  const repositories = new Map<string, Repository>();
  const need = (name: string): Repository => {
    let found = repositories.get(name);
    if (found === undefined) {
      found = { name, blobs: new Set(), manifests: new Map(), tags: new Map(), referrers: new Map() };
      repositories.set(name, found);
    }
    return found;
  };
  const forget = async (repository: Repository, digest: string): Promise<void> => {
    const manifest = repository.manifests.get(digest);
    if (manifest === undefined) return;
    repository.manifests.delete(digest);
    for (const [tag, to] of repository.tags) if (to.digest === digest) repository.tags.delete(tag);
    if (manifest.subject !== undefined) repository.referrers.get(manifest.subject)?.delete(digest);
    await contents.release(digest);
  };
  return {
    repositories,
    async apply(change) {
      const repository = need(change.repository);
      switch (change.op) {
        case 'repository':
          return;
        case 'blob':
          if (repository.blobs.has(change.digest)) return;
          repository.blobs.add(change.digest);
          contents.hold(change.digest);
          return;
        case 'blob-deleted':
          if (repository.blobs.delete(change.digest)) await contents.release(change.digest);
          return;
        case 'manifest': {
          const { manifest, tags, at } = change;
          if (!repository.manifests.has(manifest.digest)) {
            repository.manifests.set(manifest.digest, manifest);
            contents.hold(manifest.digest);
            if (manifest.subject !== undefined) {
              const of = repository.referrers.get(manifest.subject) ?? new Set();
              repository.referrers.set(manifest.subject, of.add(manifest.digest));
            }
          }
          for (const tag of tags) {
            if (repository.tags.get(tag)?.digest !== manifest.digest) {
              repository.tags.set(tag, { digest: manifest.digest, at });
            }
          }
          return;
        }
        case 'manifest-deleted':
          await forget(repository, change.digest);
          return;
        case 'tag-deleted':
          repository.tags.delete(change.tag);
          return;
        default:
          change satisfies never;
      }
    },
    *snapshot() {
      for (const { name, blobs, manifests, tags } of repositories.values()) {
        yield { op: 'repository', repository: name };
        for (const digest of blobs) yield { op: 'blob', repository: name, digest };
        for (const manifest of manifests.values()) {
          yield { op: 'manifest', repository: name, manifest, tags: [], at: manifest.pushedAt };
        }
        for (const [tag, { digest, at }] of tags) {
          const manifest = manifests.get(digest);
          if (manifest !== undefined) {
            yield { op: 'manifest', repository: name, manifest, tags: [tag], at };
          }
        }
      }
    },
  };
}

export function journaledCatalogue(state: ReturnType<typeof newCatalogue>, journal: Journal): Catalogue {
  return {
    repository: (name) => state.repositories.get(name),
    names: () => [...state.repositories.keys()].sort(),
    async change(change) {
      if (changesNothing(state.repositories.get(change.repository), change)) return;
      await journal.append(change);
      await state.apply(change);
    },
  };
}

/** What is there already is durable already: it became visible only after its journal entry was. */
function changesNothing(repository: Repository | undefined, change: Change): boolean {
  if (repository === undefined) return false;
  if (change.op === 'blob') return repository.blobs.has(change.digest);
  if (change.op !== 'manifest') return false;
  const { digest } = change.manifest;
  return (
    repository.manifests.has(digest) &&
    change.tags.every((tag) => repository.tags.get(tag)?.digest === digest)
  );
}
