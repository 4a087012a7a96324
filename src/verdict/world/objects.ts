import type { ClaimSource, RenderedFacts } from '../../boundaries/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { EventFact, WorldObject } from './world.ts';
import { getNumber, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';

function sourceOf(object: KubeObject): ClaimSource {
  const { name, namespace, resourceVersion } = object.metadata;
  return {
    type: 'object',
    apiVersion: object.apiVersion,
    kind: object.kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

/** An object as the API server stores it: whole, cited by its resourceVersion. */
export function liveObject(object: KubeObject): WorldObject {
  const source = sourceOf(object);
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: object.metadata.namespace,
    name: object.metadata.name,
    value: object,
    whole: true,
    cite: () => source,
  };
}

/** The nearest field above `path` that a file sets: a field that is missing stands where its parent does. */
function whereIs(facts: RenderedFacts, path: readonly (string | number)[]): ClaimSource {
  for (let length = path.length; length > 0; length--) {
    const [newest] = facts.why(path.slice(0, length));
    if (newest !== undefined) return { type: 'file', file: newest.file, line: newest.line };
  }
  const [name] = facts.why(['metadata', 'name']);
  return name === undefined ? sourceOf(facts.object) : { type: 'file', file: name.file, line: name.line };
}

/** An object as Git asks for it: whole, each field cited by the file and line that set it. */
export function desiredObject(facts: RenderedFacts): WorldObject {
  const { object } = facts;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: object.metadata.namespace,
    name: object.metadata.name,
    value: object,
    whole: true,
    cite: (path) => whereIs(facts, path),
  };
}

/** An Event of the cluster, of either API group. */
export function eventFact(event: KubeObject): EventFact | undefined {
  return eventIn(event, sourceOf(event));
}

/** The same from any text that shows an Event. */
export function eventIn(event: JsonObject, source: ClaimSource): EventFact | undefined {
  const about = event['involvedObject'] ?? event['regarding'];
  const kind = getString(about, 'kind');
  const name = getString(about, 'name');
  const namespace = getString(about, 'namespace');
  const reason = getString(event, 'reason');
  const type = getString(event, 'type');
  if (kind === undefined || name === undefined || reason === undefined) return undefined;
  return {
    type: type === 'Normal' || type === 'Warning' ? type : undefined,
    reason,
    message: getString(event, 'message') ?? getString(event, 'note') ?? '',
    object: [kind, namespace, name].filter((part) => part !== undefined).join('/'),
    count: getNumber(event, 'count') ?? getNumber(event, 'series', 'count'),
    lastSeen:
      getString(event, 'lastTimestamp') ??
      getString(event, 'eventTime') ??
      getString(event, 'firstTimestamp'),
    ageMs: undefined,
    source,
  };
}
