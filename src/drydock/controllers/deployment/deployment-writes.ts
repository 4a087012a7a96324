import type { InProcessApi } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { withCondition } from '../conditions.ts';
import type { deploymentCondition } from '../conditions.ts';
import type { EventRecorder } from '../events.ts';
import { DEPLOYMENTS, REPLICA_SETS } from '../objects.ts';
import type { Deployment, DeploymentStatus, ReplicaSet } from '../objects.ts';
import { sameJson } from '../writes.ts';
import { REVISION } from './revisions.ts';

const MANAGER = { fieldManager: 'kube-controller-manager' };

/** Everything that the Deployment controller writes; what comes back is what its caches show next. */
export interface DeploymentWrites {
  readonly updateSet: (replicaSet: ReplicaSet) => Promise<ReplicaSet>;
  readonly createSet: (replicaSet: ReplicaSet) => Promise<ReplicaSet>;
  /** Writes the status when it differs from what is stored. */
  readonly writeStatus: (deployment: Deployment, status: DeploymentStatus) => Promise<Deployment>;
  readonly putStatus: (deployment: Deployment, status: DeploymentStatus) => Promise<Deployment>;
  /** The revision annotation is written with the status: by itself it would raise the generation. */
  readonly putRevision: (
    deployment: Deployment,
    revision: string,
    condition: ReturnType<typeof deploymentCondition> | undefined,
  ) => Promise<Deployment>;
  readonly recordScaling: (deployment: Deployment, name: string, from: number, to: number) => void;
}

export function deploymentWrites(options: {
  readonly api: InProcessApi;
  readonly deployments: Cache<Deployment>;
  readonly replicaSets: Cache<ReplicaSet>;
  readonly recorder: EventRecorder;
}): DeploymentWrites {
  const { api, deployments, replicaSets, recorder } = options;

  async function updateSet(replicaSet: ReplicaSet): Promise<ReplicaSet> {
    const stored = await api.update(REPLICA_SETS, replicaSet, MANAGER);
    replicaSets.observe(stored);
    return stored as ReplicaSet;
  }

  async function createSet(replicaSet: ReplicaSet): Promise<ReplicaSet> {
    const stored = await api.create(REPLICA_SETS, replicaSet, MANAGER);
    replicaSets.observe(stored);
    return stored as ReplicaSet;
  }

  async function writeStatus(deployment: Deployment, status: DeploymentStatus): Promise<Deployment> {
    if (sameJson(deployment.status ?? {}, status)) return deployment;
    return await putStatus(deployment, status);
  }

  async function putRevision(
    deployment: Deployment,
    revision: string,
    condition: ReturnType<typeof deploymentCondition> | undefined,
  ): Promise<Deployment> {
    if (deployment.metadata.annotations?.[REVISION] === revision && condition === undefined)
      return deployment;
    const next = structuredClone(deployment);
    next.metadata.annotations = { ...next.metadata.annotations, [REVISION]: revision };
    const status = { ...deployment.status };
    if (condition !== undefined) status.conditions = withCondition(status.conditions, condition);
    return await putStatus(next, status);
  }

  async function putStatus(deployment: Deployment, status: DeploymentStatus): Promise<Deployment> {
    const stored = await api.update(
      DEPLOYMENTS,
      { ...deployment, status },
      { ...MANAGER, subresource: 'status' },
    );
    deployments.observe(stored);
    return structuredClone(stored) as Deployment;
  }

  function recordScaling(deployment: Deployment, name: string, from: number, to: number): void {
    const direction = to > from ? 'up' : 'down';
    recorder.event(
      deployment,
      'Normal',
      'ScalingReplicaSet',
      `Scaled ${direction} replica set ${name} from ${from} to ${to}`,
    );
  }

  return { updateSet, createSet, writeStatus, putStatus, putRevision, recordScaling };
}
