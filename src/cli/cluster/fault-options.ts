import { LandfallError } from '../../kernel/index.ts';
import type { ApiFault, NodeFault, PodFault, PullFault, RegistryFault } from '../../drydock/index.ts';

/** Everything that the options of `landfall cluster fail` can say; each of its commands has some of them. */
export interface FaultFlags {
  readonly verb?: readonly string[];
  readonly group?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly object?: string;
  readonly client?: string;
  readonly dryRuns?: 'only' | 'not';
  readonly nth?: number;
  readonly every?: number;
  readonly times?: number;
  readonly slow?: number;
  readonly status?: number;
  readonly retryAfter?: number;
  readonly hang?: boolean;
  readonly reset?: boolean;
  readonly late?: boolean;
  readonly afterWrite?: boolean;
  readonly endWatch?: 'reset' | 'close' | 'expired';
  readonly afterEvents?: number;
  readonly truncate?: boolean;
  readonly corrupt?: boolean;
  readonly repository?: string;
  readonly reference?: string;
  readonly image?: string;
  readonly node?: string;
  readonly timeout?: boolean;
  readonly lost?: boolean;
  readonly notReady?: boolean;
  readonly pressure?: 'memory' | 'disk' | 'pid';
  readonly selector?: string;
  readonly pod?: string;
  readonly container?: string;
  readonly crash?: boolean;
  readonly exitCode?: number;
  readonly oom?: boolean;
  readonly neverReady?: boolean;
  readonly slowStart?: number;
  readonly ignoreSigterm?: boolean;
  readonly evict?: 'memory' | 'disk';
  readonly after?: number;
}

type Choice<Effect> = readonly [flag: string, effect: Effect | undefined];

/** The one effect that was chosen. Throws `fault-effect` where there is none or more than one. */
function one<Effect>(what: string, choices: readonly Choice<Effect>[]): Effect {
  const chosen = choices.filter(([, effect]) => effect !== undefined);
  const [first] = chosen;
  if (chosen.length === 1 && first?.[1] !== undefined) return first[1];
  const flags = choices.map(([flag]) => flag).join(', ');
  throw new LandfallError(
    chosen.length === 0
      ? `What is to happen to ${what} was not said.`
      : `Only one thing can happen to ${what}: ${chosen.map(([flag]) => flag).join(' and ')} were given.`,
    { kind: 'invalid-input', code: 'fault-effect', hint: `Choose one of ${flags}.` },
  );
}

/** A fault as it is sent: what was not said is left out on the way, and the cluster checks the rest. */
export type FaultRequest = Readonly<Record<string, unknown>>;

function triggers({ nth, every, times }: FaultFlags): FaultRequest {
  return { nth, every, times };
}

function answered({ status, retryAfter }: FaultFlags) {
  if (status === undefined) return undefined;
  return {
    type: 'status',
    status,
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }),
  } as const;
}

const slowed = ({ slow }: FaultFlags) =>
  slow === undefined ? undefined : ({ type: 'slow', ms: slow } as const);

export function apiFault(flags: FaultFlags): FaultRequest {
  const written = flags.afterWrite === true ? { written: true } : {};
  const effect = one<ApiFault['effect']>('the requests', [
    ['--status', answered(flags)],
    ['--slow', slowed(flags)],
    ['--hang', flags.hang === true ? { type: 'hang', ...written } : undefined],
    ['--reset', flags.reset === true ? { type: 'reset', ...written } : undefined],
    ['--late', flags.late === true ? { type: 'late' } : undefined],
    ['--end-watch', watchEnd(flags)],
  ]);
  const { group, resource, namespace, client } = flags;
  return {
    on: 'api',
    verbs: flags.verb,
    group,
    resource,
    namespace,
    name: flags.object,
    dryRun: flags.dryRuns === undefined ? undefined : flags.dryRuns === 'only',
    client,
    ...triggers(flags),
    effect,
  };
}

function watchEnd({ endWatch, afterEvents }: FaultFlags): ApiFault['effect'] | undefined {
  if (endWatch === undefined) return undefined;
  return { type: 'end-watch', how: endWatch, ...(afterEvents === undefined ? {} : { afterEvents }) };
}

export function registryFault(flags: FaultFlags): FaultRequest {
  const effect = one<RegistryFault['effect']>('the requests of the registry', [
    ['--status', answered(flags)],
    ['--slow', slowed(flags)],
    ['--hang', flags.hang === true ? { type: 'hang' } : undefined],
    ['--reset', flags.reset === true ? { type: 'reset' } : undefined],
    ['--truncate', flags.truncate === true ? { type: 'truncate' } : undefined],
    ['--corrupt', flags.corrupt === true ? { type: 'corrupt' } : undefined],
  ]);
  const { repository, reference } = flags;
  return {
    on: 'registry',
    repository,
    reference,
    ...triggers(flags),
    effect,
  };
}

export function pullFault(flags: FaultFlags): FaultRequest {
  const { image, node, status } = flags;
  const effect = one<PullFault['effect']>('the pulls', [
    ['--status', status === undefined ? undefined : { type: 'status', status }],
    ['--slow', slowed(flags)],
    ['--timeout', flags.timeout === true ? { type: 'timeout' } : undefined],
  ]);
  return { on: 'pull', image, node, ...triggers(flags), effect };
}

export function nodeFault(node: string, flags: FaultFlags): FaultRequest {
  const { pressure } = flags;
  const effect = one<NodeFault['effect']>(node, [
    ['--lost', flags.lost === true ? { type: 'lost' } : undefined],
    ['--not-ready', flags.notReady === true ? { type: 'not-ready' } : undefined],
    ['--pressure', pressure === undefined ? undefined : { type: 'pressure', pressure }],
  ]);
  return { on: 'node', node, effect };
}

export function podFault(flags: FaultFlags): FaultRequest {
  const { exitCode, slowStart, evict, after } = flags;
  const later = after === undefined ? {} : { afterMs: after };
  const code = exitCode === undefined ? {} : { exitCode };
  const effect = one<PodFault['effect']>('the containers', [
    ['--crash', flags.crash === true ? { type: 'crash', ...code, ...later } : undefined],
    ['--oom', flags.oom === true ? { type: 'oom', ...later } : undefined],
    ['--never-ready', flags.neverReady === true ? { type: 'never-ready' } : undefined],
    ['--slow-start', slowStart === undefined ? undefined : { type: 'slow-start', ms: slowStart }],
    ['--ignore-sigterm', flags.ignoreSigterm === true ? { type: 'ignore-sigterm' } : undefined],
    ['--evict', evict === undefined ? undefined : { type: 'evict', pressure: evict }],
  ]);
  const { namespace, pod, selector, container } = flags;
  return {
    on: 'pods',
    namespace,
    name: pod,
    selector,
    container,
    ...triggers(flags),
    effect,
  };
}
