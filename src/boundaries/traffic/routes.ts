import { getArray, getIn, getString, isJsonObject } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { backendsOf, sharesByRule } from '../backends.ts';
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

/**
 * A Service of the release that a rule names and gives no share, while Services that are not of it get every request.
 * `own` are the Services of the release, as `namespace/name`.
 */
function passedBy(
  route: KubeObject,
  own: ReadonlySet<string>,
): { readonly none: string; readonly all: string } | undefined {
  for (const shares of sharesByRule(route)) {
    const named = shares.map((share) => ({ ...share, key: `${share.namespace}/${share.name}` }));
    const none = named.find(({ key, weight }) => weight === 0 && own.has(key));
    const served = named.filter(({ weight }) => weight > 0);
    const [first] = served;
    if (none !== undefined && first !== undefined && served.every(({ key }) => !own.has(key)))
      return { none: `Service/${none.key}`, all: `Service/${first.key}` };
  }
  return undefined;
}

/** Every Service that a route names has to be there, with the port that it names. */
export function routePart(
  { object, live, services }: RouteFacts,
  own: ReadonlySet<string> = new Set(),
): Part | undefined {
  // That it is not stored, or could not be read, is said at live.
  if (live.state !== 'read') return undefined;
  const name = objectName(object);
  let unread: Part | undefined;
  const passed = passedBy(live.value, own);
  if (passed !== undefined)
    return {
      state: 'broken',
      reason: 'no-share',
      text: `${name} sends none of the requests to ${passed.none}, and all of them to ${passed.all}`,
      headline: 'no share',
    };
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
