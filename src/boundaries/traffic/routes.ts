import { getArray, getIn, getString, isJsonObject } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { backendsOf } from '../backends.ts';
import type { Reading } from '../reading.ts';
import type { Part } from './service-part.ts';

/** A route that was rendered, as it is stored, and what is known of the Services behind it. */
export interface RouteFacts {
  readonly object: KubeObject;
  readonly live: Reading<KubeObject>;
  /** Of a Service, as `namespace/name`. */
  readonly services: ReadonlyMap<string, Reading<KubeObject>>;
}

function hasPort(service: KubeObject, port: number | string): boolean {
  if (getString(service, 'spec', 'type') === 'ExternalName') return true;
  return getArray(service, 'spec', 'ports').some(
    (each) => isJsonObject(each) && (getIn(each, 'port') === port || getString(each, 'name') === port),
  );
}

/** Every Service that a route names has to be there, with the port that it names. */
export function routePart({ object, live, services }: RouteFacts): Part | undefined {
  // That it is not stored, or could not be read, is said at live.
  if (live.state !== 'read') return undefined;
  const name = objectName(object);
  let unread: Part | undefined;
  for (const backend of backendsOf(live.value)) {
    const key = `${backend.namespace}/${backend.name}`;
    const service = services.get(key);
    if (service === undefined || service.state === 'unreadable') {
      unread ??= {
        state: 'unknown',
        reason: 'backend-unreadable',
        text: `${name} leads to Service/${key}, which could not be read${service === undefined ? '' : `: ${service.why}`}`,
      };
      continue;
    }
    if (service.state === 'absent')
      return {
        state: 'broken',
        reason: 'backend-missing',
        text: `${name} leads to Service/${key}, which does not exist`,
        headline: 'no such Service',
      };
    if (backend.port !== undefined && !hasPort(service.value, backend.port))
      return {
        state: 'broken',
        reason: 'backend-port-missing',
        text: `${name} leads to port ${backend.port} of Service/${key}, which has no such port`,
        headline: 'no such port',
      };
  }
  return unread;
}
