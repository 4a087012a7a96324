import { LandfallError, nearest } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import type { Fault, FaultFor, FaultOn, Trigger } from './fault.ts';

/** A fault that is on. */
export interface RunningFault {
  /** `api-1`: by which it is healed. */
  readonly id: string;
  readonly fault: Fault;
  /** ISO 8601, by the cluster's clock. */
  readonly since: string;
  /** How many calls matched it so far. */
  readonly seen: number;
  /** How many of them it hit. */
  readonly hits: number;
  /** It has hit as often as it was to, and hits no more. */
  readonly over: boolean;
  /** Ends it. Once more does nothing. */
  heal(): void;
}

/** What goes wrong on purpose in a cluster. */
export interface Faults {
  /** Starts a fault. Throws `invalid-input` for what can never hit. */
  add(fault: Fault): RunningFault;
  /** Those that are not healed, oldest first. */
  list(): readonly RunningFault[];
  /** Throws `fault-not-found`. */
  heal(id: string): void;
  /** Heals all; how many. */
  healAll(): number;
}

/** A running fault as that which it is on sees it. */
export interface ActiveFault<On extends FaultOn> {
  readonly id: string;
  readonly fault: FaultFor<On>;
  /** Aborts when it is healed. */
  readonly healed: AbortSignal;
  /** Counts one call that matches; whether the fault hits it. */
  take(): boolean;
}

export interface FaultBoard extends Faults {
  /** Those of one kind that are neither healed nor over. */
  active<On extends FaultOn>(on: On): readonly ActiveFault<On>[];
  /** Called after each start and each healing. */
  onChange(listener: (fault: Fault) => void): void;
  /** Called before a fault is started; throws for one that can never hit. */
  check(validate: (fault: Fault) => void): void;
}

const MOST = 1000;

interface Entry {
  readonly id: string;
  readonly fault: Fault;
  readonly since: string;
  readonly healing: AbortController;
  seen: number;
  hits: number;
}

/** Keeps the faults of one cluster. Everything that can go wrong on purpose asks it. */
export function faultBoard(clock: Clock): FaultBoard {
  const entries = new Map<string, Entry>();
  const numbers = new Map<FaultOn, number>();
  const listeners: ((fault: Fault) => void)[] = [];
  const validators: ((fault: Fault) => void)[] = [];

  function healEntry(entry: Entry): void {
    if (!entries.delete(entry.id)) return;
    entry.healing.abort();
    for (const listener of listeners) listener(entry.fault);
  }

  function shown(entry: Entry): RunningFault {
    return {
      id: entry.id,
      fault: entry.fault,
      since: entry.since,
      get seen() {
        return entry.seen;
      },
      get hits() {
        return entry.hits;
      },
      get over() {
        return isOver(entry);
      },
      heal: () => healEntry(entry),
    };
  }

  return {
    add(fault) {
      for (const validate of validators) validate(fault);
      if (entries.size >= MOST) {
        throw new LandfallError(`${MOST} faults are on, which is the limit.`, {
          kind: 'conflict',
          code: 'too-many-faults',
          hint: 'Heal some of them first.',
        });
      }
      const number = (numbers.get(fault.on) ?? 0) + 1;
      numbers.set(fault.on, number);
      const entry: Entry = {
        id: `${fault.on}-${number}`,
        fault,
        since: new Date(clock.now()).toISOString(),
        healing: new AbortController(),
        seen: 0,
        hits: 0,
      };
      entries.set(entry.id, entry);
      for (const listener of listeners) listener(fault);
      return shown(entry);
    },
    list: () => [...entries.values()].map(shown),
    heal(id) {
      const entry = entries.get(id);
      if (entry === undefined) {
        const near = nearest(id, [...entries.keys()]);
        throw new LandfallError(`There is no fault ${id}.`, {
          kind: 'not-found',
          code: 'fault-not-found',
          object: id,
          hint:
            near.length > 0
              ? `Did you mean ${near.join(' or ')}?`
              : entries.size === 0
                ? 'Nothing fails on purpose.'
                : `There are ${[...entries.keys()].slice(0, 10).join(', ')}.`,
        });
      }
      healEntry(entry);
    },
    healAll() {
      const all = [...entries.values()];
      for (const entry of all) healEntry(entry);
      return all.length;
    },
    active<On extends FaultOn>(on: On): readonly ActiveFault<On>[] {
      // The usual case, asked for every request.
      if (entries.size === 0) return [];
      const found: ActiveFault<On>[] = [];
      for (const entry of entries.values()) {
        if (!isOn(entry.fault, on) || isOver(entry)) continue;
        found.push({
          id: entry.id,
          fault: entry.fault,
          healed: entry.healing.signal,
          take: () => take(entry),
        });
      }
      return found;
    },
    onChange: (listener) => {
      listeners.push(listener);
    },
    check: (validate) => {
      validators.push(validate);
    },
  };
}

function isOn<On extends FaultOn>(fault: Fault, on: On): fault is FaultFor<On> {
  return fault.on === on;
}

function triggerOf(fault: Fault): Trigger {
  return fault.on === 'node' ? {} : fault;
}

function isOver({ fault, seen, hits }: Entry): boolean {
  const { nth, times } = triggerOf(fault);
  return (nth !== undefined && seen >= nth) || (times !== undefined && hits >= times);
}

function take(entry: Entry): boolean {
  if (isOver(entry)) return false;
  entry.seen += 1;
  const { nth, every } = triggerOf(entry.fault);
  const hit = (nth === undefined || entry.seen === nth) && (every === undefined || entry.seen % every === 0);
  if (hit) entry.hits += 1;
  return hit;
}
