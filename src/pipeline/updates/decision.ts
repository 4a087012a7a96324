import { LandfallError, asLandfallError } from '../../kernel/index.ts';
import { commitOf, refusesCommit } from '../../boundaries/intent/index.ts';
import type { ChoiceFacts, Chooser, PassedOver } from '../../boundaries/intent/index.ts';
import { platformText, samePlatform, type Platform, type Resolution } from '../../oci/index.ts';
import type { Ancestry } from './ancestry.ts';
import type { ImageRule } from './configuration/index.ts';
import type { CurrentImage } from './current.ts';
import type { Registries } from './registries.ts';

/**
 * What a policy says of one image now. `current`: Git asks for it already. `update`: it should ask for another.
 * `nothing`: no tag fits. `unused`: nothing that is rendered names the image. `refused`: what would be chosen must not
 * be taken by itself. `unknown`: a source could not be read, so nothing is decided.
 */
export interface ImageDecision {
  readonly rule: ImageRule;
  readonly state: 'current' | 'update' | 'nothing' | 'unused' | 'refused' | 'unknown';
  readonly current: readonly CurrentImage[];
  /** What the policy chooses now; undefined where it chooses nothing. */
  readonly chosen: ChosenImage | undefined;
  /** One sentence. */
  readonly why: string;
  readonly hint?: string;
  /** Stable: why it is refused or unknown. */
  readonly code?: string;
  readonly passedOver: readonly PassedOver[];
  readonly seen: number;
}

export interface ChosenImage {
  readonly tag: string;
  /** Known once it was resolved, which is done for an update only. */
  readonly digest?: string;
  readonly commit?: string;
  /** Why the policy takes it. */
  readonly why: string;
  /** When it came to be, as the registry says it, else as its config does; ISO 8601. Known once it was resolved. */
  readonly since?: string;
}

export interface DecisionSources {
  readonly registries: Registries;
  readonly ancestry: Ancestry;
  readonly chooser: (rule: ImageRule) => Chooser;
  /** Platforms of the nodes that it runs on; empty where they are not known. */
  readonly platforms: readonly Platform[];
}

/** Looks at one image. Throws only what `signal` ends; what could not be read is `unknown`. */
export async function decideImage(
  rule: ImageRule,
  current: readonly CurrentImage[],
  sources: DecisionSources,
  signal: AbortSignal,
): Promise<ImageDecision> {
  try {
    return await decide(rule, current, sources, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asLandfallError(thrown);
    if (error.kind === 'bug') throw error;
    const wrong = error.kind === 'invalid-input' || error.code === 'platform-not-found';
    return {
      rule,
      current,
      state: wrong ? 'refused' : 'unknown',
      chosen: undefined,
      why: error.message,
      code: error.code,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      passedOver: [],
      seen: 0,
    };
  }
}

async function decide(
  rule: ImageRule,
  current: readonly CurrentImage[],
  sources: DecisionSources,
  signal: AbortSignal,
): Promise<ImageDecision> {
  const base = { rule, current, passedOver: [], seen: 0, chosen: undefined };
  if (current.length === 0 && !rule.force) {
    return {
      ...base,
      state: 'unused',
      why: `nothing that is rendered uses ${rule.repository}`,
      hint: 'Mend the name of the image, or take the rule out.',
    };
  }
  const chooser = sources.chooser(rule);
  const tags = await sources.registries.tags(rule, signal);
  const facts = await factsFor(rule, chooser, tags, sources, signal);
  const choice = chooser.choose(tags, facts);
  const { passedOver, seen } = choice;
  if (choice.tag === undefined) return { ...base, state: 'nothing', why: choice.why, passedOver, seen };
  const { tag } = choice;
  const chosen: ChosenImage = {
    tag,
    why: choice.why,
    ...(choice.commit === undefined ? {} : { commit: choice.commit }),
  };
  const answer = { rule, current, passedOver, seen };
  const follows = rule.policy.kind === 'digest' || rule.digests === 'Always';
  const tagged = current.filter((image) => image.tag !== undefined);
  const sameTag = tagged.length > 0 && tagged.every((image) => image.tag === tag);
  if (sameTag && !follows) {
    return { ...answer, state: 'current', chosen, why: choice.why };
  }
  const others = tagged.filter((image) => image.tag !== tag);
  const older = others.find((image) => chooser.isOlder(tag, image.tag ?? '', facts) === true);
  if (older !== undefined) {
    return {
      ...answer,
      state: 'refused',
      code: 'older-than-current',
      chosen,
      why: `${tag} is older than ${older.tag ?? ''}, which Git asks for; an updater never goes back by itself`,
      hint: 'Going back is a decision: landfall rollback, or a commit of yours.',
    };
  }
  const platforms = rule.platforms.length > 0 ? rule.platforms : sources.platforms;
  const resolution = await sources.registries.resolve(rule, tag, platforms, signal);
  const missing = platforms.filter(
    (platform) => !resolution.manifests.some((manifest) => samePlatform(platform, manifest)),
  );
  if (missing.length > 0) throw platformMissing(rule, tag, missing);
  const { digest } = resolution;
  const since = sinceOf(resolution);
  const resolved = { ...chosen, digest, ...(since === undefined ? {} : { since }) };
  if (sameTag && current.every((image) => image.digest === undefined || image.digest === digest)) {
    // A tag that is followed has to be pinned once; an image without tag and digest has no place for it.
    const pinned = current.some((image) => image.digest === digest);
    if (pinned || rule.digests === 'Always') {
      return { ...answer, state: 'current', chosen: resolved, why: choice.why };
    }
  }
  const refusal = await refusedByCommits(rule, current, tag, resolution, chosen.commit, sources, signal);
  if (refusal !== undefined) {
    return {
      ...answer,
      state: 'refused',
      code: 'older-than-current',
      chosen: resolved,
      why: `${tag}: ${refusal}`,
      hint: 'Going back is a decision: landfall rollback, or a commit of yours.',
    };
  }
  return { ...answer, state: 'update', chosen: resolved, why: choice.why };
}

async function factsFor(
  rule: ImageRule,
  chooser: Chooser,
  tags: readonly string[],
  { registries, ancestry }: DecisionSources,
  signal: AbortSignal,
): Promise<ChoiceFacts> {
  if (rule.policy.kind === 'newest-build')
    return { builtAt: await registries.builtAt(rule, chooser.candidates(tags), signal) };
  if (rule.policy.kind === 'commits' && rule.source !== undefined)
    return ancestry.history(rule.source, rule.policy.branch, signal);
  return {};
}

/** A tag that sorts higher may still hold an older commit: where the source is known, it decides. */
async function refusedByCommits(
  rule: ImageRule,
  current: readonly CurrentImage[],
  tag: string,
  resolution: Resolution,
  known: string | undefined,
  { registries, ancestry, chooser }: DecisionSources,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (rule.source === undefined) return undefined;
  const chosen = known ?? revisionOf(resolution);
  if (chosen === undefined) return undefined;
  const branch = rule.policy.kind === 'commits' ? rule.policy.branch : undefined;
  const looked = new Set<string>();
  for (const image of current) {
    if (image.tag === tag && image.digest === resolution.digest) continue;
    const before = await commitOfCurrent(rule, image, chooser(rule), registries, signal);
    if (before === undefined || looked.has(before)) continue;
    looked.add(before);
    const relation = await ancestry.relation(rule.source, branch, before, chosen, signal);
    // Other policies follow what the registry says; commits only ever keep them from going back.
    if (branch === undefined && relation.relation !== 'older') continue;
    const refusal = refusesCommit(relation, branch ?? '');
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** The commit that an image in Git was built from: as its tag says, else as its config does. */
async function commitOfCurrent(
  rule: ImageRule,
  image: CurrentImage,
  chooser: Chooser,
  registries: Registries,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (rule.policy.kind === 'commits' && image.tag !== undefined) {
    const value = chooser.candidates([image.tag])[0]?.value;
    const spelt = value === undefined ? undefined : commitOf(value);
    if (spelt !== undefined) return spelt;
  }
  if (image.tag === undefined && image.digest === undefined) return undefined;
  try {
    const resolution = await registries.resolve(
      rule,
      image.digest === undefined ? (image.tag ?? 'latest') : `${image.tag ?? 'latest'}@${image.digest}`,
      rule.platforms,
      signal,
    );
    return revisionOf(resolution);
  } catch (thrown) {
    signal.throwIfAborted();
    // What was deleted from the registry says nothing any more; what cannot be read decides nothing.
    if (asLandfallError(thrown).kind === 'not-found') return undefined;
    throw thrown;
  }
}

/** A build that says the beginning of time says nothing. */
function sinceOf({ lastModified, manifests }: Resolution): string | undefined {
  const built = manifests.map(({ created }) => Date.parse(created ?? '')).filter((time) => time > 0);
  return lastModified ?? (built.length === 0 ? undefined : new Date(Math.max(...built)).toISOString());
}

function revisionOf({ manifests }: Resolution): string | undefined {
  const revisions = new Set(
    manifests.flatMap(({ labels }) => labels['org.opencontainers.image.revision'] ?? []),
  );
  const [revision] = revisions;
  return revisions.size === 1 && /^[0-9a-f]{7,64}$/.test(revision ?? '') ? revision : undefined;
}

function platformMissing(rule: ImageRule, tag: string, missing: readonly Platform[]): LandfallError {
  return new LandfallError(
    `${rule.repository}:${tag} has no image for ${missing.map(platformText).join(', ')}, where it would run.`,
    {
      kind: 'not-found',
      code: 'platform-not-found',
      object: `${rule.repository}:${tag}`,
      hint: 'Build it for the platforms of the nodes, or name the platforms that it is for.',
    },
  );
}
