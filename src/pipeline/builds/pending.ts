import type { Clock } from '../../kernel/index.ts';
import type { Build, Builds, BuildState } from '../../ledger/index.ts';
import { asLandfallError } from '../../kernel/index.ts';
import { DEFAULTS, definitionOf, referenceOf } from './definition.ts';
import type { DeclaredBuild } from './definition.ts';
import { decideGate } from './gate.ts';

/** A waiting build that goes on, ends, or has to be approved again. */
export interface Decided {
  readonly build: Build;
  readonly state: BuildState;
  readonly message: string;
}

/** What is declared of a trigger now: `unknown` where that could not be read. */
export type DeclaredNow = DeclaredBuild | 'gone' | 'unknown';

/**
 * Decides on every waiting build once: approved, rejected, expired, without its trigger, or defined anew so that what
 * was approved before does not count. Whoever else decides at the same time is not overruled.
 */
export async function decidePending(
  builds: Builds,
  declaredNow: (build: Build) => DeclaredNow,
  clock: Clock,
): Promise<readonly Decided[]> {
  const decided: Decided[] = [];
  for (const build of await builds.list({ states: ['PENDING'] }, 1000)) {
    const next = await decideOne(builds, build, declaredNow(build), clock.now());
    if (next === undefined) continue;
    const { state, message } = next;
    const done = state === 'PENDING' || (await builds.move(build.id, ['PENDING'], { state, message }));
    if (done) decided.push({ build, state, message });
  }
  return decided;
}

async function decideOne(
  builds: Builds,
  build: Build,
  declared: DeclaredNow,
  now: number,
): Promise<{ readonly state: BuildState; readonly message: string } | undefined> {
  // Who may approve is not known: nothing goes on.
  if (declared === 'unknown') return undefined;
  if (declared === 'gone')
    return { state: 'CANCELLED', message: `${build.trigger} is not declared any more` };
  const definition = definitionOf(declared);
  if (definition.definitionDigest !== build.definitionDigest) return redefined(builds, build, declared);
  if (declared.plan.approval === undefined) return { state: 'QUEUED', message: 'waits for its turn' };
  const reviews = await builds.reviews(build.id);
  const gate = decideGate(build, reviews, now);
  if (gate.state === 'rejected') return { state: 'REJECTED', message: gate.message };
  if (gate.state === 'open') return { state: 'QUEUED', message: gate.message };
  if (now - Date.parse(build.createdAt) > DEFAULTS.pendingMs)
    return { state: 'EXPIRED', message: 'nobody decided within 60 days' };
  if (gate.message !== build.message)
    await builds.move(build.id, ['PENDING'], { state: 'PENDING', message: gate.message });
  return undefined;
}

async function redefined(builds: Builds, build: Build, declared: DeclaredBuild) {
  const definition = definitionOf(declared);
  const approvals = (await builds.reviews(build.id)).filter(
    (each) => each.kind === 'approve' && each.definitionDigest === build.definitionDigest,
  );
  const voided = approvals.length === 0 ? '' : `; ${approvals.length} earlier approvals do not count`;
  const message = `waits for approval: its definition was changed at ${declared.declaredAt.slice(0, 8)}${voided}`;
  let image: string;
  try {
    image = referenceOf(declared.plan, build.ref, build.commit);
  } catch (thrown) {
    return { state: 'FAILURE' as const, message: asLandfallError(thrown).message };
  }
  const done = await builds.redefine(build.id, { ...definition, image, message });
  return done ? { state: 'PENDING' as const, message } : undefined;
}
