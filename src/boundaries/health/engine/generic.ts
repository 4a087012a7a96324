import { getIn, getNumber, getObject, getString, isJsonObject } from '../../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { conditionsIn, signsOfConditions, statusOf } from './conditions.ts';
import type { EngineHealth, EngineHealthStatus, Sign } from './status.ts';
import { meaningOf } from './words.ts';
import type { Meaning } from './words.ts';

const WORD_KEY = /(?:^|[a-z])(?:phase|state|status|health|compliant)$/i;

interface Word {
  readonly word: string;
  readonly key: string;
  readonly depth: number;
}

/** The words in a status that name a state, outermost first. Fields that match `but` are about something else. */
function stateWords(value: JsonValue | undefined, but: RegExp, depth = 0): readonly Word[] {
  if (depth > 2) return [];
  if (Array.isArray(value)) return value.flatMap((item) => stateWords(item, but, depth));
  if (!isJsonObject(value)) return [];
  const here = Object.entries(value).flatMap(([key, part]) =>
    typeof part === 'string' && part !== '' && WORD_KEY.test(key) ? [{ word: part, key, depth }] : [],
  );
  const below = Object.entries(value).flatMap(([key, part]) =>
    key === 'conditions' || but.test(key) ? [] : stateWords(part, but, depth + 1),
  );
  return [...here, ...below];
}

/** Kinds that run once and end: while they run they are on their way. */
const FINITE =
  /(?:Job|Backup|Restore|Run|Task|Migration|Workflow|Import|Export|Analysis|Snapshot|Operation|Request|Check|Test|Promotion|Build)$/;
/** Kinds that act by the clock: before their time there is nothing to say. */
const TIMED = /^Cron|^Schedule|Schedule$/;

const STATUS_OF: Readonly<Record<Meaning, EngineHealthStatus>> = {
  good: 'Healthy',
  bad: 'Degraded',
  working: 'Progressing',
  suspended: 'Suspended',
  missing: 'Missing',
  unknown: 'Unknown',
};

const OWN_KEY = /^(?:phase|state|status|health)$/;

function wordMeans(object: KubeObject, word: string, key: string): EngineHealthStatus | undefined {
  const meaning = meaningOf(word);
  if (meaning === undefined) return undefined;
  // That a part is missing or unknown says little about the whole.
  if ((meaning === 'missing' || meaning === 'unknown') && !OWN_KEY.test(key)) return undefined;
  if (FINITE.test(object.kind) && /^(?:running|active|started)$/i.test(word)) return 'Progressing';
  return STATUS_OF[meaning];
}

const PAUSE_PATHS: readonly (readonly string[])[] = [
  ['spec', 'suspend'],
  ['spec', 'suspended'],
  ['spec', 'paused'],
  ['spec', 'pause'],
  ['spec', 'updateStrategy', 'rollingUpdate', 'paused'],
  ['spec', 'updateStrategy', 'paused'],
  ['spec', 'strategy', 'paused'],
];
const PAUSE_ANNOTATION = /(?:^|[/.-])(?:paused?|suspend(?:ed)?|hibernation)$/i;

function isSuspended(object: KubeObject): boolean {
  if (PAUSE_PATHS.some((path) => getIn(object, ...path) === true)) return true;
  return Object.entries(object.metadata.annotations ?? {}).some(
    ([key, value]) =>
      (PAUSE_ANNOTATION.test(key) && /^(?:true|on|yes)$/i.test(value)) ||
      (/reconcil/i.test(key) && /^disabled$/i.test(value)),
  );
}

/** Pairs of how many there should be and how many are ready, wherever a status keeps them. */
function countsBehind(value: JsonValue | undefined, wantedBySpec: number | undefined, depth = 0): boolean {
  if (depth > 3 || !isJsonObject(value)) return false;
  const numbers = new Map(
    Object.entries(value).flatMap(([key, part]) =>
      typeof part === 'number' ? [[key.toLowerCase(), part] as const] : [],
    ),
  );
  for (const [key, part] of Object.entries(value)) {
    const of = typeof part === 'string' ? /^(\d{1,6})\/(\d{1,6})$/.exec(part) : null;
    if (of !== null && Number(of[1]) < Number(of[2])) return true;
    if (isJsonObject(part) && countsBehind(part, undefined, depth + 1)) return true;
    const ready =
      /^(?:updatedready|updatedavailable|ready|available|updated)(replicas|members|nodes|instances)$/i.exec(
        key,
      );
    const unit = ready?.[1]?.toLowerCase();
    if (unit === undefined || typeof part !== 'number') continue;
    const wanted = wantedBySpec ?? numbers.get(`desired${unit}`) ?? numbers.get(unit);
    if (wanted !== undefined && part < wanted) return true;
  }
  return false;
}

const WORST_FIRST: readonly EngineHealthStatus[] = [
  'Suspended',
  'Degraded',
  'Progressing',
  'Missing',
  'Unknown',
];

function isEmpty(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === '' || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isJsonObject(value) && Object.values(value).every(isEmpty);
}

function worstOf(signs: readonly Sign[]): Sign | undefined {
  for (const status of WORST_FIRST) {
    const found = signs.find((sign) => sign.status === status);
    if (found !== undefined) return found;
  }
  return signs[0];
}

const FLAGS: readonly (readonly [RegExp, EngineHealthStatus])[] = [
  [/^(?:ready|available|readyToUse|initialized|synced|active|bound)$/i, 'Progressing'],
  [/^(?:healthy|success|succeeded|pass|passed|valid|compliant)$/i, 'Degraded'],
];

/** Booleans that say how it is: `ready: false` may pass, `success: false` is over. */
function signsOfFlags(status: JsonObject): readonly Sign[] {
  return Object.entries(status).flatMap(([key, value]) => {
    const told = statusOf(value);
    if (told !== 'True' && told !== 'False') return [];
    const flag = FLAGS.find(([name]) => name.test(key));
    if (flag === undefined) return [];
    return [{ status: told === 'True' ? ('Healthy' as const) : flag[1], message: `${key}: ${told}` }];
  });
}

/** The words for states at the outermost level that has any; a bad one further in speaks while the rest is at work. */
function signsOfWords(object: KubeObject, status: JsonObject, hasCondition: boolean): readonly Sign[] {
  const health = getString(status, 'health', 'status');
  const words =
    health === undefined
      ? stateWords(status, /^(?:last|previous|observed)/)
      : [{ word: health, key: 'health', depth: 0 }];
  const given = words.length > 0 || hasCondition ? words : stateWords(status, /^$/);
  const told = given.flatMap(({ word, key, depth }) => {
    const found = wordMeans(object, word, key);
    return found === undefined ? [] : [{ status: found, message: word, depth }];
  });
  const outermost = hasCondition ? 0 : Math.min(...told.map(({ depth }) => depth));
  const outer = told.filter(({ depth }) => depth === outermost);
  const inner = told.find(({ depth, status: found }) => depth > outermost && found === 'Degraded');
  return inner !== undefined && outer.length > 0 && worstOf(outer)?.status === 'Progressing'
    ? [...outer, inner]
    : outer;
}

/**
 * What Argo CD most likely says of a custom resource, by rules that hold for any: suspension, generations, conditions,
 * words for phases, flags, counts. Argo CD itself has a script for each of some two hundred kinds; there is no table
 * of products here, so that a kind nobody wrote a script for is read too. How often both agree: docs/health.md.
 */
export function genericHealth(object: KubeObject): EngineHealth {
  if (isSuspended(object)) return { status: 'Suspended' };
  const status = getObject(object, 'status');
  if (isEmpty(status) || status === undefined)
    return TIMED.test(object.kind)
      ? { status: 'Healthy' }
      : { status: 'Progressing', message: 'Waiting for its status' };
  const generation = object.metadata.generation;
  const observed = Number(getIn(status, 'observedGeneration') ?? Number.NaN);
  if (generation !== undefined && !Number.isNaN(observed) && observed !== generation)
    return { status: 'Progressing', message: `Waiting for generation ${generation} to be observed` };
  const all = conditionsIn(status);
  const current = all.filter(
    (found) => found.generation === undefined || generation === undefined || found.generation >= generation,
  );
  if (all.length > 0 && current.length === 0)
    return { status: 'Progressing', message: 'Waiting for its conditions' };
  const conditions = signsOfConditions(current);
  const words = signsOfWords(object, status, conditions.length > 0);
  // What runs to its end has reached it, whatever is left to be cleaned up.
  const flags = signsOfFlags(status);
  const failed = flags.some((sign) => sign.status === 'Degraded');
  const ended =
    FINITE.test(object.kind) && !failed ? words.find(({ message }) => ENDED.test(message)) : undefined;
  const worst = ended ?? worstOf([...conditions, ...flags, ...words]);
  if (worst !== undefined && worst.status !== 'Healthy') return worst;
  if (countsBehind(status, getNumber(object, 'spec', 'replicas')))
    return { status: 'Progressing', message: 'Waiting for replicas' };
  if (worst !== undefined) return worst;
  const complaint = getString(status, 'error') ?? getString(status, 'reason') ?? '';
  return meaningOf(complaint) === 'bad' ? { status: 'Degraded', message: complaint } : { status: 'Healthy' };
}

const ENDED = /^(?:complete[d]?|succeeded|success|done|finished)$/i;
