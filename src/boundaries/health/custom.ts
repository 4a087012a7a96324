import { getIn, getNumber, getObject, getString } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { writtenAt } from '../live/index.ts';
import { genericHealth } from './engine/generic.ts';
import { conditionsOf, deadlineAfter, firstLine, said, until } from './facts.ts';
import type { Condition, ObjectHealth } from './facts.ts';

/** Conditions of which one that is True is enough, as long as all that are there agree. */
const ENOUGH = [
  'Ready',
  'Available',
  'Healthy',
  'Established',
  'Reconciled',
  'Synced',
  'Programmed',
  'Accepted',
  'ResolvedRefs',
  'Succeeded',
  'Complete',
  'Completed',
];

/** Conditions that have to be True too where they are, and that alone say too little. */
const GOOD = [...ENOUGH, 'Provisioned', 'Initialized', 'Deployed', 'Running'];

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

/** How long a controller that names no generation has to say something about a change, in ms. */
const ANSWER_MS = 30_000;

/** Whether the status cannot be about an earlier spec: there was none, or it was written after the last one. */
function isNewerStatus(live: KubeObject): boolean {
  if ((live.metadata.generation ?? 1) <= 1) return true;
  const times = (live.metadata.managedFields ?? [])
    .filter((entry) => getString(entry, 'subresource') === 'status')
    .map((entry) => Date.parse(getString(entry, 'time') ?? ''));
  return Math.max(0, ...times.filter((time) => !Number.isNaN(time))) >= (writtenAt(live) ?? 0);
}

/** A status that names no generation right after a change may be about what was there before. */
function untold(live: KubeObject, name: string, now: number): ObjectHealth | undefined {
  const deadline = (writtenAt(live) ?? 0) + ANSWER_MS;
  if (isNewerStatus(live) || now > deadline) return undefined;
  return {
    state: 'moving',
    reason: 'not-observed',
    text: `${name}: its status names no generation and is older than the last change`,
    deadline: new Date(deadline).toISOString(),
  };
}

/**
 * The conditions of the whole and of its parts: a route has some for each of its parents. One about an earlier
 * generation counts for nothing where another part says the same of the stored one: that part was taken away.
 */
function allConditions(live: KubeObject): readonly Condition[] {
  const parts = Object.values(getObject(live, 'status') ?? {}).flatMap((value) =>
    Array.isArray(value) ? value.flatMap((part) => conditionsOf(live, part)) : [],
  );
  const current = new Set(parts.filter((found) => !isStale(found, live)).map(({ type }) => type));
  return [
    ...conditionsOf(live),
    ...parts.filter((found) => !isStale(found, live) || !current.has(found.type)),
  ];
}

function ownHealth(live: KubeObject, now: number): ObjectHealth {
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
  const conditions = allConditions(live);
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
  const first = good.find(({ type }) => ENOUGH.includes(type));
  if (first !== undefined) {
    const named = !Number.isNaN(observed) || first.generation !== undefined;
    const before = named ? undefined : untold(live, name, now);
    return before ?? { state: 'proven', reason: 'condition', text: `${name} is ${first.type}` };
  }
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
    const bound = getNumber(live, 'status', 'observedGeneration') !== undefined || isNewerStatus(live);
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

/**
 * A kind that is not known by name, by what its status says about the generation that is stored: conditions first,
 * then a word for its phase. What says nothing is unknown; kstatus calls it Current.
 * Source: Kubernetes API conventions (conditions), kstatus (Reconciling, Stalled, observedGeneration).
 *
 * Never greener than an engine: what Argo CD's reading finds wrong with the status is not proven here either.
 */
export function customHealth(live: KubeObject, now: number): ObjectHealth {
  const own = ownHealth(live, now);
  if (own.state !== 'proven') return own;
  const { status, message } = genericHealth(live);
  if (status === 'Healthy') return own;
  const told = message === undefined || message === '' ? status : `${status}: ${firstLine(message)}`;
  const text = `${own.text}, and other words of its status mean ${told}`;
  if (status === 'Degraded' || status === 'Progressing')
    return until(
      { reason: 'contradiction', text },
      deadlineAfter(live),
      now,
      status === 'Degraded' ? 'broken' : 'unknown',
    );
  return { state: 'unknown', reason: 'contradiction', text };
}
