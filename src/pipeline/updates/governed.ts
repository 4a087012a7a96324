import { currentIn, currentAtMarkers } from './current.ts';
import { compilePolicy } from '../../boundaries/intent/index.ts';
import type { GovernedImage, UpdateStop } from '../../boundaries/intent/index.ts';
import type { RenderedSet } from '../../boundaries/index.ts';
import type { FileTree, GitMirror } from '../../git/index.ts';
import type { Clock } from '../../kernel/index.ts';
import type { Hold } from '../../ledger/index.ts';
import type { Platform } from '../../oci/index.ts';
import type { Ancestry } from './ancestry.ts';
import type { Updater } from './configuration/index.ts';
import { decideImage, type ImageDecision } from './decision.ts';
import { readUpdateHistory } from './history.ts';
import { originOf } from './record.ts';
import type { Registries } from './registries.ts';

/** What is looked at to say what policies choose for an application. */
export interface GovernedOptions {
  readonly registries: Registries;
  readonly ancestry: Ancestry;
  readonly clock: Clock;
  readonly platforms: readonly Platform[];
  readonly holds: (updater: Updater) => Promise<readonly Hold[]>;
  readonly mirror: GitMirror;
  /** The tracked commit, its files, and what they render to. */
  readonly commit: string;
  readonly tree: FileTree;
  readonly set: RenderedSet;
}

/** What the policies of updaters would choose now for what Git asks for at a commit. */
export async function governedImages(
  updaters: readonly Updater[],
  options: GovernedOptions,
  signal: AbortSignal,
): Promise<readonly GovernedImage[]> {
  const { registries, ancestry, platforms, tree, set } = options;
  const found: GovernedImage[] = [];
  for (const updater of updaters) {
    const marked = updater.images.some(({ target }) => target.kind === 'setters')
      ? await currentAtMarkers(tree, updater.git.path)
      : new Map<string, never[]>();
    const decisions: ImageDecision[] = [];
    for (const rule of updater.images) {
      const current =
        rule.target.kind === 'setters' ? (marked.get(rule.target.policy) ?? []) : currentIn(set, rule);
      if (current.length === 0) continue;
      const chooser = () => compilePolicy(rule.policy, rule.filter, `${rule.where}, image ${rule.name}`);
      decisions.push(await decideImage(rule, current, { registries, ancestry, chooser, platforms }, signal));
    }
    // What could not be read chooses nothing; what Git pins still decides.
    const known = decisions.filter(({ chosen, state }) => chosen !== undefined && state !== 'unknown');
    const stop = known.some(isBehind) ? await stopOf(updater, options, signal) : undefined;
    for (const decision of known) {
      const { rule, chosen, current } = decision;
      if (chosen === undefined) continue;
      const behind = isBehind(decision);
      found.push({
        repository: rule.repository,
        rule: rule.name,
        configuredBy: originOf(updater),
        current: current.map(({ reference, where }) => ({ reference, where })),
        chosen: {
          tag: chosen.tag,
          digest: chosen.digest,
          why: chosen.why,
          since: behind ? chosen.since : undefined,
        },
        behind,
        stop: behind ? (stop ?? refusedBy(decision)) : undefined,
        intervalMs: updater.intervalMs,
      });
    }
  }
  return found;
}

/** Refused because it would go back: then Git is not behind, it is ahead. */
function isBehind({ state, code }: ImageDecision): boolean {
  return state === 'update' || (state === 'refused' && code !== 'older-than-current');
}

function refusedBy({ state, why, hint }: ImageDecision): UpdateStop | undefined {
  if (state !== 'refused') return undefined;
  return { kind: 'refused', why, ...(hint === undefined ? {} : { hint }) };
}

async function stopOf(
  updater: Updater,
  { holds, mirror, commit, clock }: GovernedOptions,
  signal: AbortSignal,
): Promise<UpdateStop | undefined> {
  const [hold] = await holds(updater);
  if (hold !== undefined) {
    return {
      kind: 'held',
      why: `held by ${hold.actor.name} since ${hold.since}: ${hold.reason}`,
      hint: `landfall holds lift ${hold.id}`,
    };
  }
  if (updater.suspended)
    return { kind: 'suspended', why: 'the updater is suspended in its own configuration' };
  const made = (await readUpdateHistory(mirror, commit, signal)).inLastHour(updater.key, clock.now());
  if (made < updater.perHour) return undefined;
  return {
    kind: 'limited',
    why: `${made} commits were made for it in the last hour, at most ${updater.perHour} are`,
    hint: 'It goes on by itself; raise perHour where so many are wanted.',
  };
}
