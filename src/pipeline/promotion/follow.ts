import { asLandfallError, sleep } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import { prove } from '../../verdict/index.ts';
import type { Look, Question } from '../../verdict/index.ts';
import type { FoundRelease } from './release.ts';
import { releaseIn, sameRelease } from './release.ts';
import type { SurveyedApplication } from './survey.ts';

/** What a followed change has come to. */
export interface Followed {
  readonly state: 'landed' | 'stopped' | 'unproven' | 'superseded';
  readonly look: Look;
  /** One sentence. */
  readonly text: string;
}

export interface Following {
  readonly application: SurveyedApplication;
  readonly question: Question;
  /** The commit that has to be contained in what is tracked. */
  readonly commit: string;
  readonly release: Pick<FoundRelease, 'images'>;
  readonly waitMs: number;
  readonly clock: Clock;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 1000;

function shown({ proof }: Look): string {
  const { summary, boundary } = proof.verdict;
  const report = proof.boundaries.find((each) => each.boundary === boundary);
  const detail = [report?.headline, report?.detail].filter((part) => part !== undefined && part !== '');
  return detail.length === 0 ? summary : `${summary}: ${detail.join(', ')}`;
}

async function contains({ application, commit, signal }: Following, tracked: string): Promise<boolean> {
  const { spec, place } = application;
  return place.sources.git.open(spec.repository).isAncestor(commit, tracked, signal);
}

/**
 * Looks until the target has landed with that release at a commit that holds the change, or it is broken for the same
 * reason twice, or somebody has asked for another release since. Looks at least once.
 */
export async function followChange(following: Following): Promise<Followed> {
  const { application, question, release, waitMs, clock, onStep, signal } = following;
  const started = clock.now();
  let before: string | undefined;
  let told = '';
  for (;;) {
    const look = await prove(application.place.sources, question, signal);
    const { material, proof } = look;
    const tracked = material.tracked.state === 'read' ? material.tracked.value.commit : undefined;
    const there =
      tracked !== undefined &&
      (await contains(following, tracked).catch((thrown: unknown) => {
        signal.throwIfAborted();
        if (asLandfallError(thrown).kind === 'cancelled') throw thrown;
        return false;
      }));
    const text = there
      ? shown(look)
      : `${application.spec.name} does not track ${following.commit.slice(0, 8)} yet`;
    if (text !== told) onStep(text);
    told = text;
    if (there) {
      const found = releaseIn(look);
      const whole = found.images.length > 0;
      if (whole && !sameRelease(release, found))
        return { state: 'superseded', look, text: 'Git asks for another release since' };
      if (proof.verdict.state === 'landed') return { state: 'landed', look, text: 'landed' };
      const { boundary } = proof.verdict;
      const reason =
        proof.verdict.state === 'broken'
          ? `${boundary ?? ''}/${proof.boundaries.find((each) => each.boundary === boundary)?.reason ?? ''}`
          : undefined;
      if (reason !== undefined && reason === before) return { state: 'stopped', look, text };
      before = reason;
    }
    const left = waitMs - (clock.now() - started);
    if (left <= 0) return { state: 'unproven', look, text };
    await sleep(clock, Math.min(LOOK_EVERY_MS, left), signal);
  }
}
