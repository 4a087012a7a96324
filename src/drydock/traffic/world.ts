import { createSecureContext } from 'node:tls';
import { getArray, getString, isJsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson } from '../kinds/json-access.ts';

export const GATEWAY_GROUP = 'gateway.networking.k8s.io';

/** What routing is decided from. */
export interface World {
  readonly gatewayClasses: readonly KubeObject[];
  readonly gateways: readonly KubeObject[];
  readonly httpRoutes: readonly KubeObject[];
  readonly grants: readonly KubeObject[];
  readonly ingressClasses: readonly KubeObject[];
  readonly ingresses: readonly KubeObject[];
  service(namespace: string, name: string): KubeObject | undefined;
  secret(namespace: string, name: string): KubeObject | undefined;
  namespaceLabels(name: string): Readonly<Record<string, string>>;
}

interface Reference {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

/** Whether a ReferenceGrant in the namespace that is referred to allows it. */
export function isGranted(world: World, from: Reference, to: Reference & { readonly name: string }): boolean {
  if (from.namespace === to.namespace) return true;
  return world.grants.some((grant) => {
    if (grant.metadata.namespace !== to.namespace) return false;
    const spec = asJson(grant);
    const comes = getArray(spec, 'spec', 'from')
      .filter(isJsonObject)
      .some(
        (entry) =>
          (getString(entry, 'group') ?? '') === from.group &&
          getString(entry, 'kind') === from.kind &&
          getString(entry, 'namespace') === from.namespace,
      );
    const goes = getArray(spec, 'spec', 'to')
      .filter(isJsonObject)
      .some((entry) => {
        const name = getString(entry, 'name') ?? '';
        return (
          (getString(entry, 'group') ?? '') === to.group &&
          getString(entry, 'kind') === to.kind &&
          (name === '' || name === to.name)
        );
      });
    return comes && goes;
  });
}

/** The certificate in a Secret of type kubernetes.io/tls; undefined when it holds none. */
export function certificateIn(secret: KubeObject | undefined) {
  if (secret === undefined) return undefined;
  const decode = (key: string) =>
    Buffer.from(getString(asJson(secret), 'data', key) ?? '', 'base64').toString('utf8');
  const certificate = decode('tls.crt');
  const privateKey = decode('tls.key');
  if (!certificate.includes('BEGIN CERTIFICATE') || !privateKey.includes('PRIVATE KEY')) return undefined;
  try {
    createSecureContext({ cert: certificate, key: privateKey });
  } catch {
    return undefined;
  }
  return { certificate, privateKey };
}
