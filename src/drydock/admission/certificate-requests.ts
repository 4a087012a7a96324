import { asJson, copyJson, mapAt } from '../kinds/json-access.ts';
import type { AdmissionPlugin } from '../machinery/admission.ts';

const RESOURCE = 'certificates.k8s.io/certificatesigningrequests';
const IDENTITY = ['username', 'uid', 'groups', 'extra'] as const;

/**
 * A CertificateSigningRequest says who made it, whatever its body says. Source:
 * pkg/registry/certificates/certificates/strategy.go.
 */
export const certificateRequests: AdmissionPlugin = {
  name: 'CertificateRequester',
  mutate(operation, object, old, { kind, user, subresource }) {
    if (kind.table !== RESOURCE || operation === 'DELETE') return;
    const spec = mapAt(asJson(object), 'spec');
    if (old !== undefined) {
      object['spec'] = copyJson(old['spec']);
      return;
    }
    if (subresource !== undefined) return;
    for (const field of IDENTITY) delete spec[field];
    spec.username = user.name;
    if (user.uid !== undefined) spec.uid = user.uid;
    spec.groups = [...user.groups];
  },
};
