import { copyJson } from '../../kinds/json-access.ts';
import type { Deployment, ReplicaSet } from '../objects.ts';
import { controllerReference } from '../writes.ts';
import { newReplicaSetSize } from './arithmetic.ts';
import { newReplicaSetAnnotations, sizeAnnotations } from './revisions.ts';
import { TEMPLATE_HASH, templateHash } from './template-hash.ts';

/** The ReplicaSet of a Deployment's template as it is now, in the size that it may have beside `all` others. */
export function newReplicaSet(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  revision: number,
): ReplicaSet {
  const hash = templateHash(deployment.spec.template, deployment.status?.collisionCount);
  const template = copyJson(deployment.spec.template);
  const labels = { ...template.metadata?.labels, [TEMPLATE_HASH]: hash };
  template.metadata = { ...template.metadata, labels };
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? '',
      labels: { ...labels },
      annotations: {
        ...newReplicaSetAnnotations(deployment, undefined, revision),
        ...sizeAnnotations(deployment),
      },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: newReplicaSetSize(deployment, all, 0),
      ...(minReadySeconds === 0 ? {} : { minReadySeconds }),
      selector: {
        ...copyJson(deployment.spec.selector),
        matchLabels: { ...deployment.spec.selector.matchLabels, [TEMPLATE_HASH]: hash },
      },
      template,
    },
  };
}
