import { getIn, getNumber, getString } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { writtenAt } from '../live/index.ts';
import { latestEvent } from './events.ts';
import { condition, DEFAULT_PROGRESS_SECONDS, firstLine, said, until } from './facts.ts';
import type { HealthSubject, ObjectHealth } from './facts.ts';
import { podTrouble, unsteady } from './pods.ts';

const REFUSED = new Set(['FailedCreate']);

function unreadPods(subject: HealthSubject, name: string): ObjectHealth | undefined {
  if (subject.pods?.state === 'read') return undefined;
  return {
    state: 'unknown',
    reason: 'pods-unreadable',
    text: `the pods of ${name} could not be read: ${subject.pods?.why ?? 'not asked'}`,
  };
}

/** A Job: proven when it is complete, not when it runs. Source: Kubernetes, Job conditions. */
export function jobHealth(subject: HealthSubject, live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const failed = [condition(live, 'Failed'), condition(live, 'FailureTarget')].find(
    (found) => found?.status === 'True',
  );
  if (failed !== undefined)
    return {
      state: 'broken',
      reason: 'job-failed',
      text: `${name} failed: ${`${failed.reason} ${said(failed)}`.trim()}`,
    };
  if (condition(live, 'Complete')?.status === 'True')
    return { state: 'proven', reason: 'job-complete', text: `${name} complete` };
  if (getIn(live, 'spec', 'suspend') === true) {
    const declared = getIn(subject.object, 'spec', 'suspend') === true;
    return {
      state: declared ? 'not-applicable' : 'unknown',
      reason: 'suspended',
      text: `${name} is suspended${declared ? ', as it asks for' : ', and nothing in it asks for that'}`,
    };
  }
  const unread = unreadPods(subject, name);
  if (unread !== undefined || subject.pods?.state !== 'read') return unread ?? missingPods(name);
  const pods = subject.pods.value.current.filter((pod) => !pod.terminating);
  const newest = Math.max(writtenAt(live) ?? 0, ...pods.map((pod) => Date.parse(pod.createdAt) || 0));
  const refused =
    (getNumber(live, 'status', 'active') ?? 0) === 0
      ? latestEvent(subject, new Set([live.metadata.uid ?? '']), REFUSED, newest)
      : undefined;
  if (refused !== undefined)
    return { state: 'broken', reason: 'pods-refused', text: `${name}: pods are refused: ${refused.message}` };
  const attempts = getNumber(live, 'status', 'failed') ?? 0;
  const limit = getNumber(live, 'spec', 'backoffLimit') ?? 6;
  const trouble = pods
    .filter((pod) => !pod.ready && pod.phase !== 'Succeeded')
    .map((pod) => podTrouble(pod, now))
    .find((found) => found.reason !== 'not-ready' && found.reason !== 'starting');
  const text = [
    `${name} has not completed`,
    attempts > 0 ? `${attempts} of ${limit + 1} attempts failed` : '',
    trouble?.text ?? '',
  ]
    .filter((part) => part !== '')
    .join('; ');
  const running = { reason: 'job-running', text };
  // A pod that cannot start is no attempt: the back-off limit never ends it.
  if (trouble?.terminal === true && trouble.reason === 'cannot-start')
    return { state: 'broken', reason: 'cannot-start', text };
  const seconds = getNumber(live, 'spec', 'activeDeadlineSeconds');
  if (seconds !== undefined) return { ...running, state: 'moving' };
  // A Job may take its time: that it still runs contradicts nothing.
  return until(
    running,
    newest + DEFAULT_PROGRESS_SECONDS * 1000,
    now,
    trouble?.terminal === true ? 'broken' : 'unknown',
  );
}

function missingPods(name: string): ObjectHealth {
  return { state: 'unknown', reason: 'pods-unreadable', text: `the pods of ${name} were not read` };
}

/** A pod that no controller replaces: ready, or ended as it should. */
export function podHealth(subject: HealthSubject, live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const phase = getString(live, 'status', 'phase');
  if (phase === 'Succeeded') return { state: 'proven', reason: 'completed', text: `${name} completed` };
  const unread = unreadPods(subject, name);
  if (unread !== undefined || subject.pods?.state !== 'read') return unread ?? missingPods(name);
  const [pod] = subject.pods.value.current;
  if (pod === undefined)
    return {
      state: 'unknown',
      reason: 'pods-unreadable',
      text: `${name} is not among the pods that were read`,
    };
  const counts = { ready: pod.ready ? 1 : 0, wanted: 1 };
  const trouble = podTrouble(pod, now);
  if (phase === 'Failed') {
    const why = getString(live, 'status', 'message') ?? getString(live, 'status', 'reason') ?? trouble.text;
    return { state: 'broken', reason: 'pod-failed', text: `${name} failed: ${firstLine(why)}`, ...counts };
  }
  if (!pod.ready) {
    const found = { reason: trouble.reason, text: trouble.text, ...counts };
    return trouble.terminal
      ? { ...found, state: 'broken' }
      : until(found, (writtenAt(live) ?? 0) + DEFAULT_PROGRESS_SECONDS * 1000, now);
  }
  // Ready says little of what is meant to end: that it ended well does.
  if ((getString(live, 'spec', 'restartPolicy') ?? 'Always') !== 'Always')
    return until(
      { reason: 'running', text: `${name} runs, and is meant to end`, ...counts },
      (writtenAt(live) ?? 0) + DEFAULT_PROGRESS_SECONDS * 1000,
      now,
      'unknown',
    );
  const shaky = unsteady(pod, now);
  return shaky === undefined
    ? { state: 'proven', reason: 'ready', text: `${name} is ready`, ...counts }
    : { ...until({ reason: 'restarted', text: shaky.text, ...counts }, shaky.until, now) };
}
