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
  /(?:^|\s)(?:ready|available|healthy|synced|synchroni[sz]ed|reconciled|accepted|admitted|programmed|resolved ?refs|valid|succeeded|completed?|deployed|established|initialized|provisioned|installed|configured|success|running|exists|bound|active|discoverable|advertised|adopted|compliant|applied|issued|connected|scheduled|created|up to date|verified)$/;
const NEGATIVE =
  /(?:^|\s)(?:fail\w*|errors?|degraded|stalled|invalid|unhealthy|failure|error\w*|failing|unreachable|unavailable|rejected|denied|terminal|conflicted|conflict|blocked|broken|fallback|orphan(?:ed)?|crash\w*|invalid \w+|fail\w* \w+(?: \w+)?)$/;
const WORKING =
  /(?:^|\s)(?:progressing|reconciling|updating|upgrading|creating|pending|issuing|deleting|provisioning|initializing|scaling|installing|rolling ?out|in ?progress|processing|deploying|restoring|migrating|draining|disrupting|evicting|waiting|bootstrapping|rolling update|in transition|in progress)$/;
/** True says that something positive is not so. */
const NEGATED = /^(?:not|no|non|un|partially) /;
/** True says that something bad is not so. */
const FREE_OF = /^(?:no|without) (?:warnings?|errors?|failures?|conflicts?|problems?|issues?)$/;
const PAUSING = /^(?:suspended|paused|hibernat\w+)$/;

/** A participle says what has been done (`Admitted`, `Registered`), unless that is nothing good. */
const DONE = /(?:^|\s)(?!(?:un|mis|dis)\w+$)\w{3,}ed$/;
const UNDONE =
  /(?:^|\s)(?:failed|rejected|denied|terminated|expired|deleted|stopped|stalled|evicted|killed|cancell?ed|aborted|blocked|conflicted|drifted|degraded|cordoned|disrupted|detached|removed|scaled|changed|modified|need|needed|required|limited|exceeded|interrupted|locked|restarted|deprecated|overridden|triggered|occurred)$/;

/** `Weak` is Degraded for want of a reason for anything else. */
type Verdict = EngineHealthStatus | 'Weak';

/** A step that has been taken or not; taken alone it does not say that all is well. */
function isStep(type: string): boolean {
  return DONE.test(type) && !UNDONE.test(type) && meaningOf(type) !== 'bad';
}

function verdictOf(condition: GenericCondition): Verdict | undefined {
  const type = asWords(condition.type);
  const isTrue = condition.status === 'True';
  const reason = meaningOf(condition.reason);
  const message = meaningOf(condition.message);
  if (PAUSING.test(type)) return isTrue ? 'Suspended' : undefined;
  if (WORKING.test(type)) {
    if (reason === 'suspended') return 'Suspended';
    if (isTrue) return hasEnded(condition) ? 'Healthy' : 'Progressing';
    if (reason === 'bad') return 'Degraded';
    return condition.status === 'Unknown' ? 'Progressing' : undefined;
  }
  if (FREE_OF.test(type)) return isTrue ? 'Healthy' : falseMeans(reason, message, condition);
  if (NEGATED.test(type)) return isTrue ? falseMeans(reason, message, condition) : undefined;
  if (POSITIVE.test(type) || isStep(type)) {
    // What runs may be at work on it.
    if (isTrue && type === 'running' && message === 'working' && !/^awaiting/i.test(condition.message))
      return 'Progressing';
    if (isTrue && reason === 'bad' && message === 'bad') return 'Degraded';
    if (isTrue) return POSITIVE.test(type) ? 'Healthy' : undefined;
    if (condition.status === 'False') return falseMeans(reason, message, condition);
    if (condition.status !== 'Unknown' && condition.status !== '')
      return /\bpods? not ready\b/.test(asWords(condition.reason)) ? 'Progressing' : 'Degraded';
    return reason === 'bad' && message === 'bad' ? 'Degraded' : 'Progressing';
  }
  if (NEGATIVE.test(type)) return isTrue ? 'Degraded' : undefined;
  return condition.status === 'False' && reason === 'bad' ? 'Degraded' : undefined;
}

/** What somebody decides about the object at once: False is an answer, also without a reason. */
const DECISION = /^(?:admitted|accepted|valid|approved|compliant)$/;

/** A condition that should be True and is False: on its way, or stuck, by the words that come with it. */
function falseMeans(
  reason: Meaning | undefined,
  message: Meaning | undefined,
  condition: GenericCondition,
): Verdict {
  const type = asWords(condition.type);
  if (reason === 'suspended') return 'Suspended';
  if (condition.reason === '' && condition.message === '' && DECISION.test(type)) return 'Degraded';
  // It runs no more because it is through.
  if (type === 'running' && /\b(?:completed?|succeeded|finished|done)\b/.test(asWords(condition.reason)))
    return 'Healthy';
  if (condition.severity === 'Info' || condition.severity === 'Warning') return 'Progressing';
  if (condition.severity === 'Error') return 'Degraded';
  if (asWords(condition.reason) === 'minimum replicas unavailable') return 'Weak';
  // `1/3 Pods ready`
  if (/^\d{1,6} ?(?:\/|of) ?\d{1,6}\b/.test(condition.message)) return 'Progressing';
  if (reason === 'bad' || reason === 'missing') return 'Degraded';
  if (message === 'bad' && !asWords(condition.reason).startsWith('retry')) return 'Degraded';
  // `NotReady` says no more than that it is False.
  if (isRestated(condition)) return 'Weak';
  if (reason === 'working' || message === 'working') return 'Progressing';
  return reason === undefined && message === undefined && condition.reason === '' && condition.message === ''
    ? 'Progressing'
    : 'Weak';
}

/** Says no more than that it is False: `NotReady`. Pods that are not ready yet may become so. */
function isRestated({ reason, message }: GenericCondition): boolean {
  const words = asWords(reason);
  return (
    /(?:^|\s)not ready$/.test(words) &&
    !/\b(?:pods?|replicas?|set|deployment|all)\b/.test(words) &&
    !/\byet\b/.test(asWords(message))
  );
}

/** The work is over where its reason and its message say so: `NewReplicaSetAvailable`, `has successfully progressed`. */
function hasEnded({ reason, message }: GenericCondition): boolean {
  if (meaningOf(reason) === 'good' && meaningOf(message) === 'good') return true;
  return (
    /\b(?:available|completed?|succeeded|finished|done)$/.test(asWords(reason)) &&
    /\b(?:success\w*|complete\w*|available|finished|done)\b/.test(asWords(message))
  );
}

/** Conditions that speak for the object as a whole. */
const WHOLE = /^(?:Ready|Available|Healthy)$/;

/** What the conditions say, each by its type, its status and the words that come with it. */
export function signsOfConditions(conditions: readonly GenericCondition[]): readonly Sign[] {
  const working = conditions.some(
    (found) => found.status === 'True' && WORKING.test(asWords(found.type)) && !hasEnded(found),
  );
  const ready = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  const whole = conditions.some(({ type, status }) => WHOLE.test(type) && status === 'True');
  return conditions.flatMap((found): readonly Sign[] => {
    const status = verdictOf(found);
    // What is ready and has nothing to do is not active.
    const type = asWords(found.type);
    if (ready && type === 'active' && status !== 'Degraded') return [];
    // A step that was not needed.
    if (whole && status === 'Weak' && isStep(type) && !POSITIVE.test(type)) return [];
    if (status === undefined || (ready && isPartOf(found, type))) return [];
    const message = found.message || found.reason;
    if (status === 'Weak') {
      return [working ? { status: 'Progressing', message } : { status: 'Degraded', message, weak: true }];
    }
    // What is missing while somebody is at work is what the work is about.
    const isBad = NEGATIVE.test(type);
    const yet = working && status === 'Degraded' && !isBad && isAbsence(found);
    return [{ status: yet ? ('Progressing' as const) : status, message }];
  });
}

/** A part that is not there without a complaint, though the whole is ready: it was not needed. */
function isPartOf(found: GenericCondition, type: string): boolean {
  if (type.startsWith('partially ')) return true;
  const complains = [found.reason, found.message].some((text) => meaningOf(text) === 'bad');
  return found.status === 'False' && POSITIVE.test(type) && !WHOLE.test(found.type) && !complains;
}

const ABSENCE = /\b(?:does not exist|not found|missing)\b/;
const FAILURE = /\b(?:fail\w*|error\w*|invalid\w*|denied|unable)\b/;

function isAbsence(found: GenericCondition): boolean {
  const words = `${asWords(found.reason)} ${asWords(found.message)}`;
  return ABSENCE.test(words) && !FAILURE.test(words);
}

/** Something bad that is said not to be so. */
export function isRuledOut({ type, status }: GenericCondition): boolean {
  return status === 'False' && NEGATIVE.test(asWords(type));
}
