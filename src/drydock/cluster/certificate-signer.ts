import { copyJson } from '../kinds/json-access.ts';
import { messageOf } from '../../kernel/index.ts';
import type { Logger } from '../../kernel/index.ts';
import { signClientCertificate } from '../api/index.ts';
import type { ServerCertificate } from '../api/index.ts';
import type { InProcessApi, KubeObject, ResourceName } from '../api/contract.ts';
import { timestamp } from '../controllers/index.ts';

const REQUESTS: ResourceName = {
  group: 'certificates.k8s.io',
  version: 'v1',
  resource: 'certificatesigningrequests',
};
/** Those whose certificates make their holder known to the API server. */
const SIGNERS: ReadonlySet<string> = new Set([
  'kubernetes.io/kube-apiserver-client',
  'kubernetes.io/kube-apiserver-client-kubelet',
]);
const USAGES: ReadonlySet<string> = new Set(['digital signature', 'key encipherment', 'client auth']);
const YEAR_SECONDS = 365 * 24 * 60 * 60;

interface Request extends KubeObject {
  spec: { request: string; signerName: string; usages?: string[]; expirationSeconds?: number };
  status?: { certificate?: string; conditions?: { type: string; status?: string }[] };
}

function isDue({ spec, status }: Request): boolean {
  if (!SIGNERS.has(spec.signerName) || (status?.certificate ?? '') !== '') return false;
  const has = (type: string) => status?.conditions?.some((condition) => condition.type === type) === true;
  return has('Approved') && !has('Denied') && !has('Failed');
}

/** Signs what was approved (pkg/controller/certificates/signer, 1.32). Gives back how to stop. */
export function startCertificateSigner(
  api: InProcessApi,
  authority: ServerCertificate,
  logger: Logger,
): () => void {
  async function sign(request: Request): Promise<void> {
    const next = copyJson(request);
    const status = (next.status ??= {});
    try {
      const usages = request.spec.usages ?? [];
      if (!usages.includes('client auth') || usages.some((usage) => !USAGES.has(usage))) {
        throw new Error(`the usages [${usages.join(', ')}] are not those of a client certificate`);
      }
      const seconds = Math.min(request.spec.expirationSeconds ?? YEAR_SECONDS, YEAR_SECONDS);
      const text = Buffer.from(request.spec.request, 'base64').toString('utf8');
      // Real time, since clients and servers check it against their own.
      const certificate = signClientCertificate(authority, text, Date.now(), seconds * 1000);
      status.certificate = Buffer.from(certificate).toString('base64');
    } catch (error) {
      const at = timestamp(api.clock.now());
      const failed = {
        type: 'Failed',
        status: 'True',
        reason: 'SignerValidationFailure',
        message: messageOf(error),
        lastUpdateTime: at,
        lastTransitionTime: at,
      };
      status.conditions = [...(status.conditions ?? []), failed];
    }
    await api.update(REQUESTS, next, { fieldManager: 'kube-controller-manager', subresource: 'status' });
  }

  return api.watch(REQUESTS, {}, ({ type, object }) => {
    if (type === 'DELETED' || !isDue(object as Request)) return;
    sign(object as Request).catch((error: unknown) =>
      logger.warn('a certificate was not signed', { name: object.metadata.name, error: messageOf(error) }),
    );
  });
}
