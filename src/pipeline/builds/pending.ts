import type { Clock } from '../../kernel/index.ts';
import type { Build, Builds, BuildState } from '../../ledger/index.ts';
import { asLandfallError } from '../../kernel/index.ts';
import { DEFAULTS, definitionOf, referenceOf } from './definition.ts';
import type { DeclaredBuild } from './definition.ts';
import { decideGate } from './gate.ts';
import { isOfTrigger } from './triggers.ts';

/** A waiting build that goes on, ends, or has to be approved again. */
export interface Decided {
  readonly build: Build;
  readonly state: BuildState;
  readonly message: string;
}

/** What is declared of a trigger now: `unknown` where that could not be read. */
export type DeclaredNow = DeclaredBuild | 'gone' | 'unknown';

/** `fresh`: as it is at this moment, since something is going to begin by it. */
export type DeclaredLookup = (build: Build, fresh: boolean) => DeclaredNow | Promise<DeclaredNow>;

/**
 * Decides on every waiting build once: approved, rejected, expired, without its trigger, or defined anew so that what
 * was approved before does not count. Whoever else decides at the same time is not overruled.
 */
export async function decidePending(
  builds: Builds,
  declaredNow: DeclaredLookup,
  clock: Clock,
): Promise<readonly Decided[]> {
  const decided: Decided[] = [];
  for (const build of await builds.list({ states: ['PENDING'] }, 1000)) {
    const next = await decideOne(builds, build, declaredNow, clock.now());
    if (next === undefined) continue;
    const { state, message } = next;
    const done = state === 'PENDING' || (await builds.move(build.id, ['PENDING'], { state, message }));
    if (done) decided.push({ build, state, message });
  }
  return decided;
}

interface Next {
  readonly state: BuildState;
  readonly message: string;
}

async function decideOne(
  builds: Builds,
  build: Build,
  declaredNow: DeclaredLookup,
  now: number,
): Promise<Next | undefined> {
  const known = await outOf(builds, build, await declaredNow(build, false));
  if (known !== 'as-defined') return known;
  const gate = decideGate(build, await builds.reviews(build.id), now);
  if (gate.state === 'rejected') return { state: 'REJECTED', message: gate.message };
  if (gate.state === 'open') {
    // The declaration may have been changed since it was read last.
    const fresh = await outOf(builds, build, await declaredNow(build, true));
    return fresh === 'as-defined' ? { state: 'QUEUED', message: gate.message } : fresh;
  }
  if (now - Date.parse(build.createdAt) > DEFAULTS.pendingMs)
    return { state: 'EXPIRED', message: 'nobody decided within 60 days' };
  if (gate.message !== build.message)
    await builds.move(build.id, ['PENDING'], { state: 'PENDING', message: gate.message });
  return undefined;
}

/** What its declaration makes of a build, unless that is what it was defined by. */
async function outOf(
  builds: Builds,
  build: Build,
  declared: DeclaredNow,
): Promise<Next | undefined | 'as-defined'> {
  // Who may approve is not known: nothing goes on.
  if (declared === 'unknown') return undefined;
  if (declared === 'gone')
    return { state: 'CANCELLED', message: `${build.trigger} is not declared any more` };
  if (!isOfTrigger(declared.plan, build.ref))
    return { state: 'CANCELLED', message: `${build.trigger} does not build ${build.ref} any more` };
  if (definitionOf(declared).definitionDigest !== build.definitionDigest)
    return redefined(builds, build, declared);
  return declared.plan.approval === undefined
    ? { state: 'QUEUED', message: 'waits for its turn' }
    : 'as-defined';
}

async function redefined(builds: Builds, build: Build, declared: DeclaredBuild): Promise<Next | undefined> {
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
    return { state: 'FAILURE', message: asLandfallError(thrown).message };
  }
  const done = await builds.redefine(build.id, { ...definition, image, message });
  return done ? { state: 'PENDING', message } : undefined;
}
