import { copyJson } from '../kinds/json-access.ts';
import { messageOf } from '../../kernel/index.ts';
import type { InProcessApi, KubeObject } from '../api/contract.ts';
import type { Cache } from './cache.ts';
import type { EventRecorder } from './events.ts';
import { PODS } from './objects.ts';
import type { Pod, PodTemplate } from './objects.ts';
import { controllerReference, isNamespaceTerminating, isNotFound } from './writes.ts';

const MANAGER = { fieldManager: 'kube-controller-manager' };

/** Creates and deletes the pods of a controller, tells of it in events, and shows it to the cache at once. */
export interface PodControl {
  create(owner: KubeObject, pod: Pod): Promise<void>;
  /** A pod that is gone already is no failure. */
  delete(owner: KubeObject, pod: Pod): Promise<void>;
}

export function podControl(api: InProcessApi, pods: Cache<Pod>, recorder: EventRecorder): PodControl {
  return {
    async create(owner, pod) {
      try {
        const stored = await api.create(PODS, pod, MANAGER);
        pods.observe(stored);
        recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${stored.metadata.name}`);
      } catch (error) {
        if (!isNamespaceTerminating(error)) {
          recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
        }
        throw error;
      }
    },
    async delete(owner, pod) {
      const { namespace, name, uid } = pod.metadata;
      try {
        await api.delete(PODS, namespace, name, uid === undefined ? {} : { preconditions: { uid } });
      } catch (error) {
        if (isNotFound(error)) return;
        recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
        throw error;
      }
      recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
      const left = api.get(PODS, namespace, name);
      if (left !== undefined) pods.observe(left);
    },
  };
}

/** A pod of this template, owned by `owner`. */
export function podFrom(template: PodTemplate, owner: KubeObject): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace ?? '',
      ...(labels === undefined ? {} : { labels: { ...labels } }),
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ...(finalizers === undefined ? {} : { finalizers: [...finalizers] }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: copyJson(template.spec),
  };
}
