import type { Logger } from '../../kernel/index.ts';
import { getArray, getString, jsonEqual, getObject, messageOf } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { InProcessApi, KubeObject } from '../api/contract.ts';
import { isConflict, isNotFound, SERVICES } from '../controllers/index.ts';
import { asJson } from '../kinds/json-access.ts';

/** Undefined where nothing is to be written. */
function wantedStatus(service: KubeObject): JsonObject | undefined {
  const json = asJson(service);
  const ip = getString(json, 'spec', 'clusterIP') ?? '';
  const own = getString(json, 'spec', 'loadBalancerClass') === undefined;
  if (getString(json, 'spec', 'type') === 'LoadBalancer') {
    // An address that nothing of this machine answers on stays without a balancer.
    return own && ip.startsWith('127.') ? { ingress: [{ ip, ipMode: 'VIP' }] } : undefined;
  }
  return getArray(json, 'status', 'loadBalancer', 'ingress').length > 0 ? {} : undefined;
}

/**
 * A Service of type LoadBalancer is reached from this machine by the address that it has anyway, and its status says
 * so. Returns how to stop.
 */
export function startLoadBalancers(api: InProcessApi, logger: Logger): () => void {
  async function write(service: KubeObject, loadBalancer: JsonObject): Promise<void> {
    const { namespace, name } = service.metadata;
    // The merge would keep what an empty one leaves out.
    const patch = { status: { loadBalancer: { ingress: loadBalancer.ingress ?? null } } };
    try {
      await api.patch(SERVICES, namespace, name, 'merge', patch, {
        fieldManager: 'drydock-traffic',
        subresource: 'status',
      });
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) {
        logger.warn('service status not written', { service: name, error: messageOf(error) });
      }
    }
  }

  return api.watch(SERVICES, {}, ({ type, object }) => {
    if (type === 'DELETED' || object.metadata.deletionTimestamp !== undefined) return;
    const wanted = wantedStatus(object);
    if (wanted === undefined) return;
    if (jsonEqual(getObject(asJson(object), 'status', 'loadBalancer') ?? {}, wanted)) return;
    void write(object, wanted);
  });
}
