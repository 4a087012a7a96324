import type { Clock } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson, copyJson, mapAt, mapsAt, maybeMap } from '../kinds/json-access.ts';
import type { AdmissionPlugin } from '../machinery/admission.ts';
import { timestamp } from '../machinery/object-meta.ts';

const RESOURCE = 'certificates.k8s.io/certificatesigningrequests';
const IDENTITY = ['username', 'uid', 'groups', 'extra'] as const;

/** A condition says since when it holds, whoever sets it. */
function stampConditions(object: KubeObject, old: KubeObject, now: string): void {
  const before = mapsAt(maybeMap(asJson(old), 'status'), 'conditions');
  for (const condition of mapsAt(maybeMap(asJson(object), 'status'), 'conditions')) {
    const same = before.find(({ type, status }) => type === condition.type && status === condition.status);
    condition.lastTransitionTime ??= same?.lastTransitionTime ?? now;
    condition.lastUpdateTime ??= now;
  }
}

/**
 * A CertificateSigningRequest says who made it, whatever its body says. Source:
 * pkg/registry/certificates/certificates/strategy.go.
 */
export function certificateRequests(clock: Clock): AdmissionPlugin {
  return {
    name: 'CertificateRequester',
    mutate(operation, object, old, { kind, user, subresource }) {
      if (kind.table !== RESOURCE || operation === 'DELETE') return;
      const spec = mapAt(asJson(object), 'spec');
      if (old !== undefined) {
        object['spec'] = copyJson(old['spec']);
        if (subresource !== undefined) stampConditions(object, old, timestamp(clock.now()));
        return;
      }
      if (subresource !== undefined) return;
      for (const field of IDENTITY) delete spec[field];
      spec.username = user.name;
      if (user.uid !== undefined) spec.uid = user.uid;
      spec.groups = [...user.groups];
    },
  };
}
