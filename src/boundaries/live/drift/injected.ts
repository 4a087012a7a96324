import { getArray, getIn, getString, isJsonObject, jsonEqual } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { writersOf } from '../managers.ts';
import { isBookkeeping } from './additions.ts';
import type { Addition } from './additions.ts';
import type { KnownWriter } from './writers.ts';

const POD = ['spec', 'template', 'spec'] as const;

/** Lists whose items nobody defaults: what stands there without an owner came in on admission. */
const ITEMS: readonly (readonly string[])[] = [
  [...POD, 'containers'],
  [...POD, 'initContainers'],
  [...POD, 'volumes'],
  [...POD, 'imagePullSecrets'],
  [...POD, 'tolerations'],
];

const ITEMS_OF_CONTAINERS = ['env', 'volumeMounts'] as const;

/** Maps whose entries nobody defaults. */
const MAPS: readonly (readonly string[])[] = [
  ['metadata', 'labels'],
  ['metadata', 'annotations'],
  ['spec', 'template', 'metadata', 'labels'],
  ['spec', 'template', 'metadata', 'annotations'],
];

/** The writer of what stands in no managed field. */
export const INJECTED: KnownWriter = {
  manager: 'an admission webhook',
  operation: 'Update',
  time: undefined,
  subresource: undefined,
  kind: 'admission',
};

type Path = readonly (string | number)[];

function isWanted(item: JsonValue, wanted: readonly JsonValue[]): boolean {
  const key = getString(item, 'name') ?? getString(item, 'mountPath');
  return wanted.some((other) =>
    key === undefined
      ? jsonEqual(other, item)
      : (getString(other, 'name') ?? getString(other, 'mountPath')) === key,
  );
}

/** Lists to look at: those of the pod, and those of the containers that Git has, each with Git's own list. */
function lists(object: KubeObject, live: KubeObject): readonly { at: Path; wanted: readonly JsonValue[] }[] {
  const inner = ['containers', 'initContainers'].flatMap((list) =>
    getArray(live, ...POD, list).flatMap((container, index) => {
      const own = getArray(object, ...POD, list).find(
        (other) => getString(other, 'name') === getString(container, 'name'),
      );
      return own === undefined
        ? []
        : ITEMS_OF_CONTAINERS.map((field) => ({
            at: [...POD, list, index, field],
            wanted: getArray(own, field),
          }));
    }),
  );
  return [...ITEMS.map((at) => ({ at, wanted: getArray(object, ...at) })), ...inner];
}

/**
 * What came in on admission: mutating webhooks own no field, so that what they add stands in no managed field
 * (kube-apiserver, create.go). Nothing is said where the object names no writer at all.
 */
export function injected(object: KubeObject, live: KubeObject): readonly Addition[] {
  if ((live.metadata.managedFields ?? []).length === 0) return [];
  const added = (path: Path, value: JsonValue): readonly Addition[] =>
    writersOf(live, path).length > 0 ? [] : [{ path, live: value, writer: INJECTED }];
  const items = lists(object, live).flatMap(({ at, wanted }) =>
    getArray(live, ...at).flatMap((item, index) =>
      isJsonObject(item) && !isWanted(item, wanted) ? added([...at, index], item) : [],
    ),
  );
  const entries = MAPS.flatMap((at) => {
    const map = getIn(live, ...at);
    const wanted = getIn(object, ...at);
    return Object.entries(isJsonObject(map) ? map : {}).flatMap(([key, value]) =>
      isBookkeeping([...at, key]) || (isJsonObject(wanted) && key in wanted)
        ? []
        : added([...at, key], value),
    );
  });
  return [...items, ...entries];
}
