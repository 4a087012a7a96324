import { getIn, getNumber, getString } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { conditionsOf, deadlineAfter, said, until } from './facts.ts';
import type { Condition, ObjectHealth } from './facts.ts';

/** Conditions that are True when all is well. The first that is there speaks for the whole; all of them have to agree. */
const GOOD = [
  'Ready',
  'Available',
  'Healthy',
  'Established',
  'Reconciled',
  'Synced',
  'Programmed',
  'Accepted',
  'ResolvedRefs',
  'Provisioned',
  'Initialized',
  'Deployed',
  'Running',
  'Succeeded',
  'Complete',
  'Completed',
];

/** Conditions that are True when something is wrong for good. */
const TERMINAL = ['Stalled', 'Failed', 'Failure', 'InvalidSpec'];

/** Conditions that are True when something is wrong and may pass. */
const BAD = ['Degraded', 'Error', 'ReconcileError', 'Unhealthy', 'ConfigError'];

/** Conditions that are True while somebody is at work. */
const WORKING = [
  'Reconciling',
  'Progressing',
  'Updating',
  'Upgrading',
  'Creating',
  'Pending',
  'Issuing',
  'Deleting',
];

/** A reason that tells that only another object helps; everything else may pass by itself. */
const HOPELESS =
  /^(?:Invalid|Unsupported|Malformed|Denied|Rejected|Terminal)|(?:Invalid|Unsupported|Denied|Rejected|RetriesExceeded|Exhausted)$/;

/** Words that controllers without conditions use, in lower case. */
const WORDS: Readonly<Record<'good' | 'bad' | 'working', readonly string[]>> = {
  good: [
    'ready',
    'healthy',
    'active',
    'available',
    'bound',
    'running',
    'succeeded',
    'success',
    'complete',
    'completed',
    'online',
    'deployed',
    'green',
    'ok',
    'synced',
    'established',
  ],
  bad: [
    'failed',
    'failure',
    'error',
    'degraded',
    'unhealthy',
    'invalid',
    'red',
    'crashed',
    'lost',
    'rejected',
  ],
  working: [
    'pending',
    'creating',
    'progressing',
    'initializing',
    'provisioning',
    'updating',
    'upgrading',
    'starting',
    'reconciling',
    'waiting',
    'installing',
    'deploying',
    'in progress',
    'inprogress',
    'yellow',
  ],
};

const WORD_FIELDS = ['phase', 'state', 'health', 'status'] as const;

function stateWord(live: KubeObject): string | undefined {
  for (const field of WORD_FIELDS) {
    const value = getString(live, 'status', field) ?? getString(live, 'status', field, 'status');
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

/** A spec that says that its controller shall leave it alone; what its status says is then from before. */
function isSuspended(live: KubeObject): boolean {
  return ['suspend', 'suspended', 'paused'].some((field) => getIn(live, 'spec', field) === true);
}

function isStale(found: Condition, live: KubeObject): boolean {
  return found.generation !== undefined && found.generation < (live.metadata.generation ?? 0);
}

/**
 * A kind that is not known by name, by what its status says about the generation that is stored: conditions first,
 * then a word for its phase. What says nothing is unknown; kstatus calls it Current.
 * Source: Kubernetes API conventions (conditions), kstatus (Reconciling, Stalled, observedGeneration).
 */
export function customHealth(live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const generation = live.metadata.generation ?? 0;
  const deadline = deadlineAfter(live);
  const observed = Number(getIn(live, 'status', 'observedGeneration') ?? Number.NaN);
  if (isSuspended(live))
    return {
      state: 'unknown',
      reason: 'suspended',
      text: `${name} is suspended: what its status says is from before`,
    };
  if (!Number.isNaN(observed) && observed < generation)
    return until(
      {
        reason: 'not-observed',
        text: `${name}: its controller has seen generation ${observed} of ${generation}`,
      },
      deadline,
      now,
      'unknown',
    );
  const conditions = conditionsOf(live);
  const isTrue = (types: readonly string[]) =>
    conditions.find(
      (found) => types.includes(found.type) && found.status === 'True' && !isStale(found, live),
    );
  const terminal = isTrue(TERMINAL);
  if (terminal !== undefined)
    return {
      state: 'broken',
      reason: terminal.type === 'Stalled' ? 'stalled' : 'failed',
      text: `${name} is ${terminal.type}: ${said(terminal)}`,
    };
  const good = GOOD.flatMap((type) => conditions.filter((found) => found.type === type));
  const refused = good.find((found) => found.status === 'False' && !isStale(found, live));
  if (refused !== undefined && HOPELESS.test(refused.reason))
    return { state: 'broken', reason: 'condition', text: `${name} is not ${refused.type}: ${said(refused)}` };
  const working = isTrue(WORKING);
  if (working?.type === 'Reconciling')
    return until(
      { reason: 'reconciling', text: `${name} is being reconciled: ${said(working)}` },
      deadline,
      now,
    );
  const bad = isTrue(BAD);
  if (bad !== undefined)
    return until({ reason: 'condition', text: `${name} is ${bad.type}: ${said(bad)}` }, deadline, now);
  if (refused !== undefined)
    return until(
      { reason: 'condition', text: `${name} is not ${refused.type}: ${said(refused)}` },
      deadline,
      now,
    );
  const open = good.find((found) => found.status !== 'True' || isStale(found, live));
  if (open !== undefined) {
    const what = isStale(open, live)
      ? `${open.type} is about generation ${open.generation ?? '?'}, stored is ${generation}`
      : `${open.type} is ${open.status === '' ? 'not told' : open.status}: ${said(open)}`;
    return until(
      { reason: isStale(open, live) ? 'not-observed' : 'condition', text: `${name}: ${what}` },
      deadline,
      now,
      'unknown',
    );
  }
  const [first] = good;
  if (first !== undefined) return { state: 'proven', reason: 'condition', text: `${name} is ${first.type}` };
  return byWord(live, name, working, deadline, now);
}

function byWord(
  live: KubeObject,
  name: string,
  working: Condition | undefined,
  deadline: number,
  now: number,
): ObjectHealth {
  const word = stateWord(live);
  const is = (words: readonly string[]) => word !== undefined && words.includes(word.toLowerCase());
  if (is(WORDS.bad))
    return until(
      {
        reason: 'phase',
        text: `${name} says ${word ?? ''}: ${getString(live, 'status', 'message') ?? 'no reason given'}`,
      },
      deadline,
      now,
    );
  if (is(WORDS.working) || working !== undefined)
    return until({ reason: 'phase', text: `${name} says ${word ?? working?.type ?? ''}` }, deadline, now);
  if (is(WORDS.good)) {
    // A word without a generation beside it may be about what was stored before.
    const bound =
      getNumber(live, 'status', 'observedGeneration') !== undefined || (live.metadata.generation ?? 1) <= 1;
    return bound
      ? { state: 'proven', reason: 'phase', text: `${name} says ${word ?? ''}` }
      : {
          state: 'unknown',
          reason: 'no-generation',
          text: `${name} says ${word ?? ''}, and not about which generation`,
        };
  }
  return { state: 'unknown', reason: 'no-condition', text: `${name} says nothing about its health` };
}
