import { STATUS_CODES } from 'node:http';
import { sleep } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import type { FaultBoard } from '../faults/index.ts';
import type { ImageReference } from './reference.ts';
import { statusFailure, timeoutFailure } from './registry-client.ts';

export interface PullFaultOptions {
  readonly clock: Clock;
  readonly nodeName: string;
  readonly faults: FaultBoard;
}

/** What the puller waits for a registry that does not answer. */
const TIMEOUT_MS = 30_000;

/** Lets a pull go wrong on purpose, as it would if the registry did. `image` as the pod names it. */
export async function sufferPull(
  { clock, nodeName, faults }: PullFaultOptions,
  image: string,
  reference: ImageReference,
  signal: AbortSignal,
): Promise<void> {
  for (const active of faults.active('pull')) {
    const { fault } = active;
    if (fault.node !== undefined && fault.node !== nodeName) continue;
    if (fault.image !== undefined && !isNamed(fault.image, image)) continue;
    if (!active.take()) continue;
    const { effect } = fault;
    const which = reference.digest ?? reference.tag ?? 'latest';
    const url = `https://${reference.registry}/v2/${reference.repository}/manifests/${which}`;
    const ends = AbortSignal.any([signal, active.healed]);
    switch (effect.type) {
      case 'slow':
        await untilOver(sleep(clock, effect.ms, ends), signal);
        break;
      case 'status':
        throw statusFailure(reference, 'HEAD', url, effect.status, STATUS_CODES[effect.status] ?? '');
      case 'timeout':
        await untilOver(sleep(clock, TIMEOUT_MS, ends), signal);
        if (!active.healed.aborted) throw timeoutFailure(reference, url);
        break;
      default:
        effect satisfies never;
    }
  }
}

/** A wait that healing ends as well; only the pull's own end is a failure. */
async function untilOver(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await wait;
  } catch (error) {
    if (signal.aborted) throw error;
  }
}

function isNamed(pattern: string, image: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(image);
}
