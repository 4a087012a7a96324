import { getArray, getIn, getString } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { writtenAt } from '../live/index.ts';
import { podTemplate } from '../workload.ts';
import type { PodContainer, PodFacts } from '../workload.ts';

/** A running container that may not have what a ConfigMap or Secret holds now. */
export interface StaleConfiguration {
  readonly pod: string;
  readonly container: string;
  /** `ConfigMap/comms/settings`. */
  readonly object: string;
  /**
   * `stale`: read before the change. `undecided`: too close to the change to tell. `mounted`: the file was renewed
   * since the container started, and whether the application read it again only the application knows.
   */
  readonly outcome: 'stale' | 'undecided' | 'mounted';
  readonly why: string;
  /** When the container started, ms since the epoch; not a number where the node does not say. */
  readonly startedAt: number;
  /** When the object was made, ms since the epoch. */
  readonly bornAt: number;
}

/** Times of a node and of the API server are not told apart below this. */
export const CLOCKS_APART_MS = 10_000;

interface Reader {
  readonly container: string;
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
  /** Once, when the container starts; or again and again, by a file that is renewed. */
  readonly reads: 'once' | 'renewed';
  readonly optional: boolean;
}

function reader(
  container: string,
  source: JsonValue | undefined,
  fields: readonly [configMap: string, secret: string],
  reads: Reader['reads'],
): readonly Reader[] {
  return fields.flatMap((field, index) => {
    const of = getIn(source, field);
    // A Secret volume calls it secretName; everything else calls it name.
    const name = getString(of, 'name') ?? getString(of, 'secretName');
    if (name === undefined) return [];
    const kind = index === 0 ? ('ConfigMap' as const) : ('Secret' as const);
    return [{ container, kind, name, reads, optional: getIn(of, 'optional') === true }];
  });
}

/** What the containers of a template read, apart from init containers that run to completion. */
function readersOf(workload: KubeObject): readonly Reader[] {
  const template = podTemplate(workload);
  const sidecars = getArray(template, 'spec', 'initContainers').filter(
    (item) => getString(item, 'restartPolicy') === 'Always',
  );
  const volumes = new Map(
    getArray(template, 'spec', 'volumes').map((volume) => [getString(volume, 'name'), volume]),
  );
  return [...sidecars, ...getArray(template, 'spec', 'containers')].flatMap((item) => {
    const container = getString(item, 'name') ?? '';
    const environment = [
      ...getArray(item, 'envFrom').flatMap((source) =>
        reader(container, source, ['configMapRef', 'secretRef'], 'once'),
      ),
      ...getArray(item, 'env').flatMap((entry) =>
        reader(container, getIn(entry, 'valueFrom'), ['configMapKeyRef', 'secretKeyRef'], 'once'),
      ),
    ];
    const mounted = getArray(item, 'volumeMounts').flatMap((mount) => {
      const volume = volumes.get(getString(mount, 'name'));
      // The kubelet renews mounted files, except those that are mounted one by one.
      const single = getString(mount, 'subPath') ?? getString(mount, 'subPathExpr');
      return [volume, ...getArray(volume, 'projected', 'sources')].flatMap((source) =>
        reader(container, source, ['configMap', 'secret'], single === undefined ? 'renewed' : 'once'),
      );
    });
    return [...environment, ...mounted];
  });
}

/** When the content was last written, as the API server's clock has it; labels and the like do not count. */
function changedAt(object: KubeObject): number | undefined {
  const times = ['data', 'binaryData', 'stringData'].flatMap((field) => writtenAt(object, [field]) ?? []);
  return times.length === 0 ? undefined : Math.max(...times);
}

function judge(
  { reads, optional }: Reader,
  object: KubeObject,
  pod: PodFacts,
  container: PodContainer,
): StaleConfiguration | undefined {
  const changed = changedAt(object);
  // The API server writes both times.
  if (changed === undefined || Date.parse(pod.createdAt) >= changed) return undefined;
  const started = Date.parse(container.startedAt ?? '');
  const bornAt = Date.parse(object.metadata.creationTimestamp ?? '');
  const name = objectName(object);
  const at = new Date(changed).toISOString();
  const found = { pod: pod.name, container: container.name, object: name, startedAt: started, bornAt };
  if (started > changed + CLOCKS_APART_MS) return undefined;
  if (started >= changed - CLOCKS_APART_MS || Number.isNaN(started)) {
    if (bornAt === changed && !optional) return undefined;
    return {
      ...found,
      outcome: 'undecided',
      why: `${name} changed at ${at}, within seconds of the start of ${container.name} in ${pod.name}: which it read cannot be told`,
    };
  }
  return reads === 'once'
    ? {
        ...found,
        outcome: 'stale',
        why: `${pod.name} ${container.name} read ${name} when it started at ${container.startedAt ?? '?'}; it changed at ${at}`,
      }
    : {
        ...found,
        outcome: 'mounted',
        why: `${name} changed at ${at} and is mounted in ${pod.name} ${container.name}, which runs since ${container.startedAt ?? '?'}: whether it read the file again cannot be told`,
      };
}

/**
 * Containers that are older than a change of what they read, for `objects`: the ConfigMaps and Secrets of the
 * application as they are stored. The template says nothing of such a change, so no pod is replaced for it.
 */
export function staleConfiguration(
  workload: KubeObject,
  pods: readonly PodFacts[],
  objects: readonly KubeObject[],
): readonly StaleConfiguration[] {
  if (workload.kind === 'Job' || workload.kind === 'CronJob') return [];
  const stored = new Map(objects.map((object) => [objectName(object), object]));
  const namespace = workload.metadata.namespace ?? '';
  const readers = readersOf(workload).flatMap((one) => {
    const object = stored.get(`${one.kind}/${namespace}/${one.name}`);
    return object === undefined ? [] : [{ one, object }];
  });
  return pods.flatMap((pod) =>
    readers.flatMap(({ one, object }) => {
      const container = pod.containers.find((status) => status.name === one.container);
      if (container?.state !== 'running') return [];
      return judge(one, object, pod, container) ?? [];
    }),
  );
}
