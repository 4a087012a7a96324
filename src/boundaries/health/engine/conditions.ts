import { getNumber, getString, isJsonObject } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import type { EngineHealthStatus, Sign } from './status.ts';
import { asWords, meaningOf } from './words.ts';
import type { Meaning } from './words.ts';

export interface GenericCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** Cluster API's conditions say how bad it is that they are False. */
  readonly severity: string;
  readonly generation: number | undefined;
}

/** Some controllers write booleans, or their own case. */
export function statusOf(value: JsonValue | undefined): string {
  const text = typeof value === 'boolean' ? String(value) : typeof value === 'string' ? value : '';
  return /^(?:true|false|unknown)$/i.test(text)
    ? text.charAt(0).toUpperCase() + text.slice(1).toLowerCase()
    : text;
}

const DEEPEST = 4;

/** The lists of conditions in a status: its own, and those of its parts (a route has some for each parent). */
export function conditionsIn(value: JsonValue | undefined, depth = 0): readonly GenericCondition[] {
  if (depth > DEEPEST) return [];
  if (Array.isArray(value)) return value.flatMap((item) => conditionsIn(item, depth + 1));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, part]) => {
    if (key !== 'conditions' || !Array.isArray(part)) return conditionsIn(part, depth + 1);
    return part.filter(isJsonObject).map((item) => ({
      type: getString(item, 'type') ?? '',
      status: statusOf(item['status']),
      severity: getString(item, 'severity') ?? '',
      reason: getString(item, 'reason') ?? '',
      message: getString(item, 'message') ?? '',
      generation: getNumber(item, 'observedGeneration'),
    }));
  });
}

const POSITIVE =
  /(?:^|\s)(?:ready|available|healthy|synced|reconciled|accepted|programmed|resolved ?refs|valid|succeeded|completed?|deployed|established|initialized|provisioned|installed|configured|running|exists|bound|active|discoverable|advertised|adopted|compliant|applied|issued|connected|scheduled|created|up to date|verified)$/;
const NEGATIVE =
  /(?:^|\s)(?:fail\w*|errors?|degraded|stalled|invalid|unhealthy|failure|error\w*|failing|unreachable|unavailable|rejected|denied|terminal|conflicted|conflict|blocked|broken|crash\w*|invalid \w+|fail\w* \w+(?: \w+)?)$/;
const WORKING =
  /^(?:progressing|reconciling|updating|upgrading|creating|pending|issuing|deleting|provisioning|initializing|scaling|installing|rolling ?out|in ?progress|processing|deploying|restoring|migrating|bootstrapping|rolling update|in transition|\w+ in progress)$/;
/** True says that something positive is not so. */
const NEGATED = /^(?:not|no|non|un|partially) /;
const PAUSING = /^(?:suspended|paused|hibernat\w+)$/;

function verdictOf(condition: GenericCondition): EngineHealthStatus | undefined {
  const type = asWords(condition.type);
  const isTrue = condition.status === 'True';
  const reason = meaningOf(condition.reason);
  const message = meaningOf(condition.message);
  if (PAUSING.test(type)) return isTrue ? 'Suspended' : undefined;
  if (WORKING.test(type)) {
    if (isTrue) return 'Progressing';
    return reason === 'bad' ? 'Degraded' : undefined;
  }
  if (NEGATED.test(type)) return isTrue ? falseMeans(reason, message, condition) : undefined;
  if (POSITIVE.test(type)) {
    if (isTrue) return 'Healthy';
    if (condition.status === 'False') return falseMeans(reason, message, condition);
    if (condition.status !== 'Unknown' && condition.status !== '') return 'Degraded';
    return reason === 'bad' && message === 'bad' ? 'Degraded' : 'Progressing';
  }
  if (NEGATIVE.test(type)) return isTrue ? 'Degraded' : undefined;
  return condition.status === 'False' && reason === 'bad' ? 'Degraded' : undefined;
}

/** A condition that should be True and is False: on its way, or stuck, by the words that come with it. */
function falseMeans(
  reason: Meaning | undefined,
  message: Meaning | undefined,
  condition: GenericCondition,
): EngineHealthStatus {
  if (reason === 'suspended') return 'Suspended';
  if (condition.severity === 'Info' || condition.severity === 'Warning') return 'Progressing';
  if (condition.severity === 'Error') return 'Degraded';
  if (reason === 'bad' || reason === 'missing') return 'Degraded';
  if (message === 'bad' && !asWords(condition.reason).startsWith('retry')) return 'Degraded';
  if (reason === 'working' || message === 'working') return 'Progressing';
  return reason === undefined && message === undefined && condition.reason === ''
    ? 'Progressing'
    : 'Degraded';
}

/** What the conditions say, each by its type, its status and the words that come with it. */
export function signsOfConditions(conditions: readonly GenericCondition[]): readonly Sign[] {
  const working = conditions.some(({ type, status }) => status === 'True' && WORKING.test(asWords(type)));
  return conditions.flatMap((found) => {
    const status = verdictOf(found);
    if (status === undefined) return [];
    const message = found.message || found.reason;
    // What is missing while somebody is at work is what the work is about.
    const yet = working && status === 'Degraded' && isAbsence(found);
    return [{ status: yet ? ('Progressing' as const) : status, message }];
  });
}

const ABSENCE = /\b(?:does not exist|not found|missing)\b/;
const FAILURE = /\b(?:fail\w*|error\w*|invalid\w*|denied|unable)\b/;

function isAbsence(found: GenericCondition): boolean {
  const words = `${asWords(found.reason)} ${asWords(found.message)}`;
  return ABSENCE.test(words) && !FAILURE.test(words);
}
