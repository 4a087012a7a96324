import { getArray, getNumber, getObject, getString } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { BoundaryState } from '../boundary.ts';
import type { Reading } from '../reading.ts';
import type { PodFacts } from '../workload.ts';
import type { WorkloadPods } from '../workload-pods.ts';
import type { HealthRules } from './rules.ts';
import { writtenAt } from '../live/index.ts';

/** Deadline of what declares none; Kubernetes' own default for a Deployment. */
export const DEFAULT_PROGRESS_SECONDS = 600;

/**
 * What stands around the judged objects. Each look-up answers from what was read before, so that judging stays pure;
 * what was not read is `unreadable`, never empty.
 */
export interface Surroundings {
  readonly pods: (namespace: string) => Reading<readonly PodFacts[]>;
  readonly endpointSlices: (namespace: string) => Reading<readonly KubeObject[]>;
  /** Events of the type Warning, and those that a claim gets. */
  readonly events: (namespace: string) => Reading<readonly KubeObject[]>;
  readonly storageClass: (name: string) => Reading<KubeObject>;
  readonly ingressClasses: () => Reading<readonly KubeObject[]>;
}

/** One object whose health is asked. */
export interface HealthSubject {
  /** As rendered or applied, with its namespace. */
  readonly object: KubeObject;
  readonly live: Reading<KubeObject>;
  /** For what runs pods: those of the stored template, and older ones. */
  readonly pods: Reading<WorkloadPods> | undefined;
  /** The ScaledObject for which it rests at zero pods. */
  readonly atRest?: string;
  /** Events of its namespace, where they were read without everything else that stands around it. */
  readonly events?: Reading<readonly KubeObject[]>;
  /** Jobs of its namespace, where they were read: a CronJob is told by those that it made. */
  readonly jobs?: Reading<readonly KubeObject[]>;
  /** Left out where nobody looked around: Services, claims and the like are then left to other boundaries. */
  readonly around?: Surroundings;
  /** The workloads that are judged with it, for a Service that leads to them. */
  readonly beside?: readonly HealthSubject[];
  /** Rules of the user: instead of Landfall's for what runs no pods, and beside them for what does. */
  readonly rules?: HealthRules;
}

/** What is known about one object. */
export interface ObjectHealth {
  readonly state: BoundaryState;
  /** Stable, kebab-case. */
  readonly reason: string;
  /** One sentence with what was found. */
  readonly text: string;
  readonly ready?: number;
  readonly wanted?: number;
  /** ISO 8601: until then it may be on its way; from then on it is broken or unknown. */
  readonly deadline?: string;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly generation: number | undefined;
  readonly updated: string | undefined;
  readonly changed: string | undefined;
}

/** The conditions of an object's status, in its order; or of one part of it. */
export function conditionsOf(object: KubeObject, part?: JsonValue): readonly Condition[] {
  return getArray(part ?? getObject(object, 'status'), 'conditions').map((item) => ({
    type: getString(item, 'type') ?? '',
    status: getString(item, 'status') ?? '',
    reason: getString(item, 'reason') ?? '',
    message: getString(item, 'message') ?? '',
    generation: getNumber(item, 'observedGeneration'),
    updated: getString(item, 'lastUpdateTime'),
    changed: getString(item, 'lastTransitionTime'),
  }));
}

export function condition(object: KubeObject, type: string): Condition | undefined {
  return conditionsOf(object).find((each) => each.type === type);
}

const QUOTED = 200;

/** One line of a message: a container may leave the end of its log there, and a controller a whole report. */
export function firstLine(message: string): string {
  const line = message.trim().split('\n', 1)[0] ?? '';
  return line.length > QUOTED ? `${line.slice(0, QUOTED)}…` : line;
}

/** What a condition says, shortened: its message, else its reason. */
export function said(found: Condition): string {
  return firstLine(found.message) || found.reason || 'no reason given';
}

/** `apps/Deployment`, `/Service`. */
export function groupKind(object: KubeObject): string {
  return `${splitApiVersion(object.apiVersion).group}/${object.kind}`;
}

/** When what an object was asked last has to be done, by the clock of the cluster. */
export function deadlineAfter(live: KubeObject, seconds: number = DEFAULT_PROGRESS_SECONDS): number {
  return (writtenAt(live) ?? 0) + seconds * 1000;
}

type Finding = Omit<ObjectHealth, 'state' | 'deadline'>;

/** Not there yet: moving until the deadline, then `after`. */
export function until(
  found: Finding,
  deadline: number,
  now: number,
  after: 'broken' | 'unknown' = 'broken',
): ObjectHealth {
  return now <= deadline
    ? {
        ...found,
        state: 'moving',
        ...(Number.isFinite(deadline) ? { deadline: new Date(deadline).toISOString() } : {}),
      }
    : { ...found, state: after };
}
