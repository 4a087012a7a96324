import { LandfallError, mapBounded } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import type { Candidate } from '../../boundaries/intent/index.ts';
import type { Platform, RegistryClient, Resolution } from '../../oci/index.ts';
import type { ImageRule, PullSecretReference } from './configuration/index.ts';

/** What a cycle asks registries, each question once for everybody who asks it at about the same time. */
export interface Registries {
  /** Lists of tags that were read before are nobody's answer any more: a round begins. */
  forget(): void;
  tags(rule: ImageRule, signal: AbortSignal): Promise<readonly string[]>;
  /** Everything below a tag, asked for once: what is written is exactly what was looked at. */
  resolve(
    rule: ImageRule,
    tag: string,
    platforms: readonly Platform[],
    signal: AbortSignal,
  ): Promise<Resolution>;
  /** What a tag is at this moment; nobody's earlier answer is taken. */
  digestNow(rule: ImageRule, tag: string, signal: AbortSignal): Promise<string>;
  /** When the images of tags were built, ms since the epoch, as their configs say. */
  builtAt(
    rule: ImageRule,
    candidates: readonly Candidate[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, number>>;
}

export interface RegistriesOptions {
  /** The client for whoever's credentials; the same one for the same secret. */
  readonly client: (secret: PullSecretReference | undefined, signal: AbortSignal) => Promise<RegistryClient>;
  readonly clock: Clock;
  /** Ms for which a list of tags is everybody's, until it is forgotten. Default 10,000. */
  readonly shareMs?: number;
}

interface Shared<T> {
  readonly at: number;
  readonly answer: Promise<T>;
}

const SHARE = 10_000;
const AT_ONCE = 8;
/** A policy by build time asks for every candidate; what is more wants a filter. */
const MOST_BUILDS = 2000;
const KEPT_BUILDS = 50_000;
const KEPT_LISTS = 5000;

export function createRegistries(options: RegistriesOptions): Registries {
  const { clock, shareMs = SHARE } = options;
  /** By client and repository: what one may see another may not. */
  let lists = new WeakMap<RegistryClient, Map<string, Shared<readonly string[]>>>();
  /** A digest never changes what it was built from. */
  const builds = new Map<string, number>();

  const clientOf = (rule: ImageRule, signal: AbortSignal) => options.client(rule.pullSecret, signal);

  function share(
    client: RegistryClient,
    repository: string,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const known = lists.get(client) ?? new Map<string, Shared<readonly string[]>>();
    lists.set(client, known);
    const before = known.get(repository);
    if (before !== undefined && clock.now() - before.at < shareMs) return before.answer;
    const answer = client.tags(repository, signal);
    if (known.size >= KEPT_LISTS) known.clear();
    known.set(repository, { at: clock.now(), answer });
    // A failure is nobody else's answer.
    answer.catch(() => known.delete(repository));
    return answer;
  }

  async function built(
    client: RegistryClient,
    rule: ImageRule,
    tag: string,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { digest } = await client.head(`${rule.repository}:${tag}`, signal);
    const known = builds.get(digest);
    if (known !== undefined) return known;
    const { manifests } = await client.resolve(
      `${rule.repository}@${digest}`,
      signal,
      rule.platforms.length === 0 ? {} : { platforms: rule.platforms },
    );
    const times = manifests.flatMap(({ created }) => {
      const time = Date.parse(created ?? '');
      // Reproducible builds say the beginning of time, which is no time.
      return Number.isNaN(time) || time <= 0 ? [] : [time];
    });
    if (times.length === 0) return undefined;
    if (builds.size >= KEPT_BUILDS) builds.clear();
    const newest = Math.max(...times);
    builds.set(digest, newest);
    return newest;
  }

  return {
    forget() {
      lists = new WeakMap();
    },
    async tags(rule, signal) {
      return share(await clientOf(rule, signal), rule.repository, signal);
    },
    async resolve(rule, tag, platforms, signal) {
      const client = await clientOf(rule, signal);
      return client.resolve(`${rule.repository}:${tag}`, signal, platforms.length === 0 ? {} : { platforms });
    },
    async digestNow(rule, tag, signal) {
      return (await (await clientOf(rule, signal)).head(`${rule.repository}:${tag}`, signal)).digest;
    },
    async builtAt(rule, candidates, signal) {
      if (candidates.length > MOST_BUILDS) {
        throw new LandfallError(
          `${rule.where}: the policy by build time would have to look at ${candidates.length} images of ${rule.repository}, at most ${MOST_BUILDS}.`,
          {
            kind: 'invalid-input',
            code: 'too-many-builds',
            object: rule.repository,
            hint: 'Let allow-tags pass fewer, or order by commits or by a number in the tag.',
          },
        );
      }
      const client = await clientOf(rule, signal);
      const found = await mapBounded(candidates, AT_ONCE, async ({ tag }) => {
        const time = await built(client, rule, tag, signal);
        return time === undefined ? [] : [[tag, time] as const];
      });
      return new Map(found.flat());
    },
  };
}
