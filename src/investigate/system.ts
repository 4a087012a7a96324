import { withoutTag } from '../boundaries/index.ts';
import { getArray, getNumber, getObject, getString, textOf } from '../kernel/index.ts';
import type { World, WorldObject } from '../verdict/index.ts';
import { imagesOf, WORKLOADS, workloadOf } from './trace.ts';

export interface FoundSystem {
  readonly components: readonly { readonly name: string; readonly what: string }[];
  readonly dependsOn: readonly { readonly from: string; readonly to: string; readonly via: string }[];
}

const MOST = 60;
const HOST =
  /\b(?:[a-z][a-z0-9+.-]*:\/\/)(?:[^/@\s]*@)?([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(\d+))?|^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):(\d{2,5})$/gi;
/** Labels of metrics that name whom an application talks to. */
const PEER =
  /^(?:channel|provider|gateway|upstream|backend|target|peer|destination|queue|topic|database|db)$/;
/** What logs call the things that they talk to. */
const SPOKEN =
  /\b((?:(?:legacy|new|primary|secondary|fallback|external|upstream)\s+)?[A-Za-z][\w-]*)\s+(gateway|database|broker|queue|cache|provider)\b/gi;

function registryOf(image: string): string | undefined {
  const [host = ''] = withoutTag(image).split('/');
  return image.includes('/') && /[.:]|^localhost$/.test(host) ? host : undefined;
}

function hosts(object: WorldObject): readonly { readonly host: string; readonly via: string }[] {
  const found: { host: string; via: string }[] = [];
  const scan = (value: string, via: string) => {
    for (const match of value.matchAll(HOST)) {
      const host = match[1] ?? match[3];
      const port = match[2] ?? match[4];
      if (host !== undefined) found.push({ host: port === undefined ? host : `${host}:${port}`, via });
    }
  };
  for (const containers of [
    getArray(object.value, 'spec', 'template', 'spec', 'containers'),
    getArray(object.value, 'spec', 'containers'),
  ])
    for (const container of containers)
      for (const entry of getArray(container, 'env'))
        scan(getString(entry, 'value') ?? '', `env ${getString(entry, 'name') ?? ''}`);
  if (object.kind === 'ConfigMap')
    for (const [key, value] of Object.entries(getObject(object.value, 'data') ?? {}))
      scan(textOf(value), `ConfigMap/${object.name} ${key}`);
  return found;
}

function describe(object: WorldObject, pods: number): string {
  if (WORKLOADS.has(object.kind)) {
    const replicas = getNumber(object.value, 'spec', 'replicas');
    const images = imagesOf(object).map(({ image }) => image);
    return [
      replicas === undefined ? undefined : `${replicas} replicas`,
      images.length === 0 ? undefined : `of ${images.join(', ')}`,
      pods === 0 ? undefined : `${pods} pods shown`,
    ]
      .filter((part) => part !== undefined)
      .join(' ');
  }
  if (object.kind === 'Service')
    return `port ${getArray(object.value, 'spec', 'ports')
      .map((port) => textOf(getNumber(port, 'port')))
      .join(', ')}`;
  return object.namespace === undefined ? '' : `in ${object.namespace}`;
}

const SHOWN =
  /^(?:Deployment|StatefulSet|DaemonSet|Rollout|CronJob|Job|Service|Ingress|HTTPRoute|Gateway|ConfigMap|PersistentVolumeClaim|HorizontalPodAutoscaler|PodDisruptionBudget|ExternalSecret|Certificate)$/;

/** What the system is made of and who needs whom, as far as objects, metrics, logs and engines tell it. */
export function systemOf(world: World): FoundSystem {
  const components = new Map<string, string>();
  const edges = new Map<string, { from: string; to: string; via: string }>();
  const component = (name: string, what: string) => {
    if (components.size < MOST && (components.get(name) ?? '') === '') components.set(name, what);
  };
  const edge = (from: string, to: string, via: string) => {
    if (edges.size < 2 * MOST && from !== to && !edges.has(`${from}|${to}`))
      edges.set(`${from}|${to}`, { from, to, via });
  };
  const name = (object: WorldObject) => `${object.kind}/${object.name}`;
  const objects = [...world.live, ...world.desired];
  const workloads = objects.filter(({ kind }) => WORKLOADS.has(kind));
  const pods = world.live.filter(({ kind }) => kind === 'Pod');
  for (const object of objects) {
    if (!SHOWN.test(object.kind)) continue;
    component(
      name(object),
      describe(object, pods.filter((pod) => workloadOf(pod, workloads)?.name === object.name).length),
    );
    for (const { host, via } of hosts(object)) {
      component(host, `named by ${via}`);
      edge(name(object), host, via);
    }
    for (const { image } of imagesOf(object)) {
      const registry = registryOf(image);
      if (registry === undefined) continue;
      component(registry, 'registry');
      edge(name(object), registry, `image ${image}`);
    }
    const selector = object.kind === 'Service' ? getObject(object.value, 'spec', 'selector') : undefined;
    for (const workload of selector === undefined ? [] : workloads) {
      const labels =
        getObject(workload.value, 'spec', 'template', 'metadata', 'labels') ??
        getObject(workload.value, 'spec', 'selector', 'matchLabels');
      if (
        labels !== undefined &&
        selector !== undefined &&
        Object.entries(selector).every(([key, value]) => labels[key] === value)
      )
        edge(name(object), name(workload), 'selector');
    }
  }
  for (const pod of pods) {
    const workload = workloadOf(pod, workloads);
    if (workload === undefined && !/^Succeeded$/.test(getString(pod.value, 'status', 'phase') ?? ''))
      component(name(pod), 'pod without a shown workload');
    if (workload !== undefined) {
      component(
        `pods of ${workload.name}`,
        `${pods.filter((each) => workloadOf(each, workloads) === workload).length} pods`,
      );
      edge(name(workload), `pods of ${workload.name}`, 'owner');
    }
  }
  const [main] = workloads;
  const app = main === undefined ? undefined : name(main);
  for (const engine of world.engines) {
    const own = engine.engine === 'unknown' ? `application ${engine.application}` : engine.engine;
    component(own, `delivers ${engine.application}${engine.sync === undefined ? '' : ` (${engine.sync})`}`);
    const git =
      engine.repository ??
      (engine.revision !== undefined && /[0-9a-f]{7}/.test(engine.revision) ? 'Git' : undefined);
    if (git !== undefined && engine.engine !== 'Helm') {
      component(git, `Git repository${engine.path === undefined ? '' : `, ${engine.path}`}`);
      edge(own, git, `application ${engine.application}`);
    }
    if (app !== undefined && workloads.length === 1) edge(own, app, `application ${engine.application}`);
  }
  for (const file of world.files.filter(({ kind }) => kind === 'kustomization').slice(0, 10)) {
    component('Git', `kustomization ${file.path}`);
    if (components.has('Argo CD')) edge('Argo CD', 'Git', file.path);
  }
  for (const build of world.builds) {
    const ci = build.system === undefined || build.system === 'image labels' ? 'CI' : build.system;
    component(ci, 'builds and pushes images');
    const registry = build.image === undefined ? undefined : registryOf(build.image);
    if (registry !== undefined) {
      component(registry, 'registry');
      edge(ci, registry, `pushes ${build.image ?? ''}`);
    }
  }
  const said = world.logs
    .slice(0, 5_000)
    .flatMap((log) =>
      [...log.message.matchAll(SPOKEN)].map((match) => ({ words: match[0].toLowerCase(), log })),
    );
  for (const { words, log } of said.slice(0, 50)) {
    const shown = log.message.slice(log.message.toLowerCase().indexOf(words)).slice(0, words.length);
    const bare = shown.replace(/^(?:to|the|a|an|from|of|with)\s+/i, '');
    if (/\s/.test(bare)) {
      component(bare, 'named by the log');
      edge(app ?? log.component ?? 'application', bare, `log of ${log.component ?? 'the application'}`);
    }
  }
  for (const sample of world.samples) {
    for (const [label, value] of Object.entries(sample.labels)) {
      if (PEER.test(label) && /^[A-Za-z][\w .-]{1,40}$/.test(value)) {
        const known = [...components.keys()].find(
          (each) => new RegExp(`\\b${value.replaceAll(/[^\w]/g, '.')}\\b`, 'i').test(each) && / /.test(each),
        );
        const peer = known ?? (label === 'channel' ? `${value} gateway` : `${value} (${label})`);
        component(peer, `${label}="${value}" of ${sample.name}`);
        if (app !== undefined) edge(app, peer, `metric ${sample.name}`);
      }
    }
    if (/feature_?flag/.test(sample.name)) {
      component('feature-flag service', `asked by ${sample.name}`);
      if (app !== undefined) edge(app, 'feature-flag service', `metric ${sample.name}`);
    }
    if (components.size >= MOST) break;
  }
  return {
    components: [...components].map(([each, what]) => ({ name: each, what })),
    dependsOn: [...edges.values()],
  };
}
