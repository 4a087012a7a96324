import type { KubeObject } from '../api/contract.ts';
import type { AdmissionPlugin } from '../machinery/admission.ts';
import type { AddressPool } from '../runtime/index.ts';

/**
 * Gives new Services cluster addresses that this machine can listen on, before the API server would take one of the
 * usual range, and takes them back when a Service goes.
 */
export function serviceAddresses(addresses: AddressPool, existing: readonly KubeObject[]): AdmissionPlugin {
  const given = new Set<string>();
  for (const service of existing) {
    const ip = specOf(service)['clusterIP'];
    if (typeof ip !== 'string' || !ip.startsWith('127.')) continue;
    given.add(ip);
    addresses.keepService(ip);
  }
  return {
    name: 'DrydockServiceAddress',
    mutate(operation, object, _old, request) {
      const { kind, dryRun, subresource } = request;
      if (kind.group !== '' || kind.kind !== 'Service' || operation !== 'CREATE') return;
      if (dryRun || subresource !== undefined) return;
      const spec = specOf(object);
      if ((spec['type'] ?? 'ClusterIP') === 'ExternalName' || (spec['clusterIP'] ?? '') !== '') return;
      const ip = addresses.takeService();
      given.add(ip);
      object['spec'] = { ...spec, clusterIP: ip };
    },
    validate(operation, object, _old, request) {
      if (operation !== 'DELETE' || request.dryRun || request.kind.kind !== 'Service') return;
      const ip = specOf(object)['clusterIP'];
      if (typeof ip === 'string' && given.delete(ip)) addresses.releaseService(ip);
    },
  };
}

function specOf(object: KubeObject): Record<string, unknown> {
  const { spec } = object;
  return typeof spec === 'object' && spec !== null ? (spec as Record<string, unknown>) : {};
}
