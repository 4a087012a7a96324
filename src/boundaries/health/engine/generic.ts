import { getIn, getNumber, getObject, getString, isJsonObject, textOf } from '../../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { conditionsIn, isRuledOut, signsOfConditions, statusOf } from './conditions.ts';
import type { GenericCondition } from './conditions.ts';
import { countsBehind } from './counts.ts';
import { isHeld } from './held.ts';
import type { EngineHealth, EngineHealthStatus, Sign } from './status.ts';
import { asWords, meaningOf } from './words.ts';
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
  /(?:Job|Backup|Restore|Run|Task|Migration|Workflow|Import|Export|Analysis|Snapshot|Operation|Request|Check|Test|Promotion|Build|Experiment)$/;
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

function worstOf(all: readonly Sign[]): Sign | undefined {
  const working = all.some(({ status }) => status === 'Progressing');
  const signs = working ? all.filter(({ weak }) => weak !== true) : all;
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

/** `noMatchingInstances`: what it needs is not there. */
const NONE = /^no [a-z]+ing /;

/** Booleans that say how it is: `ready: false` may pass, `success: false` is over. */
function signsOfFlags(status: JsonObject): readonly Sign[] {
  return Object.entries(status).flatMap(([key, value]) => {
    const told = statusOf(value);
    if (told !== 'True' && told !== 'False') return [];
    if (told === 'True' && NONE.test(asWords(key))) return [{ status: 'Degraded' as const, message: key }];
    const flag = FLAGS.find(([name]) => name.test(key));
    if (flag === undefined) return [];
    return [{ status: told === 'True' ? ('Healthy' as const) : flag[1], message: `${key}: ${told}` }];
  });
}

/** The words for states at the outermost level that has any, and a bad one from further in. */
function signsOfWords(object: KubeObject, status: JsonObject, hasCondition: boolean): readonly Sign[] {
  const health = getString(status, 'health', 'status');
  const words =
    health === undefined
      ? stateWords(status, /^(?:last|previous|observed)|history|transition/i)
      : [{ word: health, key: 'health', depth: 0 }];
  const given = words.length > 0 || hasCondition ? words : stateWords(status, /^$/);
  const told = given.flatMap(({ word, key, depth }) => {
    const found = wordMeans(object, word, key);
    return found === undefined ? [] : [{ status: found, message: word, depth }];
  });
  const outermost = hasCondition ? 0 : Math.min(...told.map(({ depth }) => depth));
  const outer = told.filter(({ depth }) => depth === outermost);
  const inner = told.find(({ depth, status: found }) => depth > outermost && found === 'Degraded');
  return [...outer, ...(inner === undefined ? [] : [inner]), ...signsOfParts(object, status)];
}

/** By the numbers that solo-kit's statuses have for their states. */
const REPORTED: readonly EngineHealthStatus[] = ['Suspended', 'Healthy', 'Degraded', 'Degraded'];

/**
 * States that somebody reports about the object (`reportedBy` beside `state`): until it was looked at, nothing is
 * done with it. Source: solo-kit, api/v1/status.proto.
 */
function signsOfReports(value: JsonValue | undefined, depth = 0): readonly Sign[] {
  if (depth > 2 || !isJsonObject(value)) return [];
  const { reportedBy, state } = value;
  if (typeof reportedBy !== 'string')
    return Object.values(value).flatMap((part) => signsOfReports(part, depth + 1));
  const found =
    typeof state === 'number'
      ? REPORTED[state]
      : /^pending$/i.test(textOf(state ?? ''))
        ? 'Suspended'
        : undefined;
  return found === undefined ? [] : [{ status: found, message: `${reportedBy}: ${textOf(state ?? '')}` }];
}

/** What is not well with one of the parts that a status lists, each with its own phase or health. */
function signsOfParts(object: KubeObject, value: JsonValue | undefined, depth = 0): readonly Sign[] {
  if (depth > 4) return [];
  if (Array.isArray(value)) return value.flatMap((item) => signsOfParts(object, item, depth + 1));
  if (!isJsonObject(value)) return [];
  const own = depth < 2 ? [] : (['phase', 'health'] as const).flatMap((key) => partSign(object, value, key));
  const below = Object.entries(value).flatMap(([key, part]) =>
    key === 'conditions' || /history|previous|last|transition/i.test(key)
      ? []
      : signsOfParts(object, part, depth + 1),
  );
  return [...own, ...below];
}

function partSign(object: KubeObject, part: JsonObject, key: string): readonly Sign[] {
  const word = getString(part, key) ?? '';
  const found = word === '' ? undefined : wordMeans(object, word, key);
  return found === 'Degraded' || found === 'Progressing' ? [{ status: found, message: word }] : [];
}

/**
 * What Argo CD most likely says of a custom resource, by rules that hold for any: suspension, generations, conditions,
 * words for phases, flags, counts. Argo CD itself has a script for each of some two hundred kinds; there is no table
 * of products here, so that a kind nobody wrote a script for is read too. How often both agree: docs/health.md.
 */
export function genericHealth(object: KubeObject): EngineHealth {
  if (isHeld(object)) return { status: 'Suspended' };
  const status = getObject(object, 'status');
  if (isEmpty(status) || status === undefined)
    return TIMED.test(object.kind)
      ? { status: 'Healthy' }
      : { status: 'Progressing', message: 'Waiting for its status' };
  const generation = object.metadata.generation;
  if (generation !== undefined && isOlder(getIn(status, 'observedGeneration'), generation))
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
  const complaint = complaintOf(status);
  const failed = complaint !== undefined || flags.some((sign) => sign.status === 'Degraded');
  const ended =
    FINITE.test(object.kind) && !failed ? words.find(({ message }) => ENDED.test(message)) : undefined;
  const worst =
    ended ??
    worstOf([
      ...conditions,
      ...flags,
      ...words,
      ...signsOfReports(status),
      ...(complaint === undefined ? [] : [{ status: 'Degraded' as const, message: complaint }]),
    ]);
  if (worst !== undefined && worst.status !== 'Healthy') return worst;
  if (countsBehind(status, getNumber(object, 'spec', 'replicas')))
    return { status: 'Progressing', message: 'Waiting for replicas' };
  if (worst !== undefined) return worst;
  return withoutSigns(status, current);
}

/** As a text it may be a hash of the spec, which says nothing here. */
function isOlder(observed: JsonValue | undefined, generation: number): boolean {
  if (typeof observed === 'number') return observed < generation;
  return typeof observed === 'string' && /^\d{1,9}$/.test(observed) && Number(observed) < generation;
}

const COMPLAINT = /^(?:err|error|failure)(?:msg|message|description|text|reason)?$/i;

const FAILED_COUNT = /^failed\w*Count$/;

/** What a status says of an error, where it says anything. */
function complaintOf(status: JsonObject): string | undefined {
  for (const [key, value] of Object.entries(status)) {
    if (FAILED_COUNT.test(key) && typeof value === 'number' && value > 0) return `${key}: ${value}`;
    const text = typeof value === 'string' ? value : getString(value, 'message');
    if (COMPLAINT.test(key) && text !== undefined && text !== '') return text;
  }
  return undefined;
}

/** A status that says nothing of what is looked for: it complains, or has a state that nobody knows, or there is peace. */
function withoutSigns(status: JsonObject, conditions: readonly GenericCondition[]): EngineHealth {
  const reason = getString(status, 'reason') ?? '';
  if (meaningOf(reason) === 'bad') return { status: 'Degraded', message: reason };
  const word = stateWords(status, /./)[0];
  const open = conditions.length > 0 ? !conditions.some(isRuledOut) : hasNoConditionYet(status);
  return (word !== undefined && conditions.length === 0) || open
    ? { status: 'Progressing', message: 'Nothing in its status says that it is ready' }
    : { status: 'Healthy' };
}

/** A list of conditions is there, and empty, wherever it is. */
function hasNoConditionYet(value: JsonValue | undefined, depth = 0): boolean {
  if (depth > 3) return false;
  if (Array.isArray(value)) return value.some((item) => hasNoConditionYet(item, depth + 1));
  if (!isJsonObject(value)) return false;
  const list = value['conditions'];
  if (Array.isArray(list) && list.length === 0) return true;
  return Object.values(value).some((part) => hasNoConditionYet(part, depth + 1));
}

const ENDED = /^(?:complete[d]?|succeeded|success|done|finished)$/i;
