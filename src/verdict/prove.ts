import { sleep } from '../kernel/index.ts';
import { gather } from './gather.ts';
import type { Question, Sources } from './question.ts';
import { judge } from './judge.ts';
import type { Material, Proof } from './judge.ts';
import { readWorld } from './world/index.ts';

const LOOK_EVERY_MS = 1_000;

export interface Look {
  readonly material: Material;
  readonly proof: Proof;
}

/** One look: reads everything once and judges it. */
export async function prove(sources: Sources, question: Question, signal: AbortSignal): Promise<Look> {
  const started = sources.clock.now();
  const material = await gather(sources, question, signal);
  return { material, proof: judge(material, sources.clock.now() - started) };
}

/**
 * Looks around the application for the cause: events, quotas, claims, logs of what crashed. Nothing is read again
 * that the proof rests on, so that its verdict stays what it was. Of what has landed only risks are told.
 */
export async function explainLook(sources: Sources, look: Look, signal: AbortSignal): Promise<Look> {
  // What happens in this cluster explains nothing of another.
  if (look.material.elsewhere === true) return look;
  const material = { ...look.material, world: await readWorld(sources.kube, look.material, signal) };
  const proof = judge(material, look.proof.tookMs);
  if (look.proof.verdict.state !== 'landed') return { material, proof };
  // What has landed has no cause to look for; habits that will hurt later are worth a word.
  return { material, proof: { ...proof, findings: proof.findings.filter(({ kind }) => kind === 'risk') } };
}

/**
 * Looks again until the delivery has landed or is broken, at most `waitMs` long; always once. A broken verdict counts
 * when two looks in a row give it for the same reason: between two readings a cluster may pass through anything.
 */
export async function proveUntil(
  sources: Sources,
  question: Question,
  waitMs: number,
  signal: AbortSignal,
): Promise<Look> {
  const started = sources.clock.now();
  let before: string | undefined;
  for (;;) {
    const { material, proof: once } = await prove(sources, question, signal);
    const proof = { ...once, tookMs: sources.clock.now() - started };
    const { state, boundary } = proof.verdict;
    const left = waitMs - proof.tookMs;
    if (state === 'landed' || left <= 0) return { material, proof };
    const reason =
      state === 'broken'
        ? `${boundary ?? ''}/${proof.boundaries.find((report) => report.boundary === boundary)?.reason ?? ''}`
        : undefined;
    if (reason !== undefined && reason === before) return { material, proof };
    before = reason;
    await sleep(sources.clock, Math.min(LOOK_EVERY_MS, left), signal);
  }
}
