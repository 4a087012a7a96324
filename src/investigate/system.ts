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

interface Drawing {
  has(name: string): boolean;
  /** The first component of which this holds, by its name. */
  find(fits: (name: string) => boolean): string | undefined;
  isFull(): boolean;
  /** What is said first of a component stays. */
  component(name: string, what: string): void;
  edge(from: string, to: string, via: string): void;
  readonly system: () => FoundSystem;
}

function newDrawing(): Drawing {
  const components = new Map<string, string>();
  const edges = new Map<string, { readonly from: string; readonly to: string; readonly via: string }>();
  return {
    has: (name) => components.has(name),
    find: (fits) => [...components.keys()].find(fits),
    isFull: () => components.size >= MOST,
    component(name, what) {
      if (components.size < MOST && (components.get(name) ?? '') === '') components.set(name, what);
    },
    edge(from, to, via) {
      if (edges.size < 2 * MOST && from !== to && !edges.has(`${from}|${to}`))
        edges.set(`${from}|${to}`, { from, to, via });
    },
    system: () => ({
      components: [...components].map(([name, what]) => ({ name, what })),
      dependsOn: [...edges.values()],
    }),
  };
}

/** What is drawn, and onto what. */
interface Scene {
  readonly world: World;
  readonly workloads: readonly WorldObject[];
  readonly pods: readonly WorldObject[];
  /** The workload that things without an owner are taken to be about: the first. */
  readonly main: string | undefined;
  readonly drawing: Drawing;
}

function nameOf(object: WorldObject): string {
  return `${object.kind}/${object.name}`;
}

function drawObject(object: WorldObject, { workloads, pods, drawing }: Scene): void {
  const own = pods.filter((pod) => workloadOf(pod, workloads)?.name === object.name);
  drawing.component(nameOf(object), describe(object, own.length));
  for (const { host, via } of hosts(object)) {
    drawing.component(host, `named by ${via}`);
    drawing.edge(nameOf(object), host, via);
  }
  for (const { image } of imagesOf(object)) {
    const registry = registryOf(image);
    if (registry === undefined) continue;
    drawing.component(registry, 'registry');
    drawing.edge(nameOf(object), registry, `image ${image}`);
  }
  const selector = object.kind === 'Service' ? getObject(object.value, 'spec', 'selector') : undefined;
  if (selector === undefined) return;
  for (const workload of workloads) {
    const labels =
      getObject(workload.value, 'spec', 'template', 'metadata', 'labels') ??
      getObject(workload.value, 'spec', 'selector', 'matchLabels');
    if (labels !== undefined && Object.entries(selector).every(([key, value]) => labels[key] === value))
      drawing.edge(nameOf(object), nameOf(workload), 'selector');
  }
}

function drawPods({ workloads, pods, drawing }: Scene): void {
  for (const pod of pods) {
    const workload = workloadOf(pod, workloads);
    if (workload !== undefined) {
      const own = pods.filter((each) => workloadOf(each, workloads) === workload);
      drawing.component(`pods of ${workload.name}`, `${own.length} pods`);
      drawing.edge(nameOf(workload), `pods of ${workload.name}`, 'owner');
    } else if (getString(pod.value, 'status', 'phase') !== 'Succeeded')
      drawing.component(nameOf(pod), 'pod without a shown workload');
  }
}

function drawEngines({ world, workloads, main, drawing }: Scene): void {
  for (const engine of world.engines) {
    const via = `application ${engine.application}`;
    const own = engine.engine === 'unknown' ? via : engine.engine;
    const sync = engine.sync === undefined ? '' : ` (${engine.sync})`;
    drawing.component(own, `delivers ${engine.application}${sync}`);
    const isCommit = engine.revision !== undefined && /[0-9a-f]{7}/.test(engine.revision);
    const git = engine.repository ?? (isCommit ? 'Git' : undefined);
    if (git !== undefined && engine.engine !== 'Helm') {
      drawing.component(git, `Git repository${engine.path === undefined ? '' : `, ${engine.path}`}`);
      drawing.edge(own, git, via);
    }
    if (main !== undefined && workloads.length === 1) drawing.edge(own, main, via);
  }
  for (const file of world.files.filter(({ kind }) => kind === 'kustomization').slice(0, 10)) {
    drawing.component('Git', `kustomization ${file.path}`);
    if (drawing.has('Argo CD')) drawing.edge('Argo CD', 'Git', file.path);
  }
}

function drawBuilds({ world, drawing }: Scene): void {
  for (const { system, image } of world.builds) {
    const ci = system === undefined || system === 'image labels' ? 'CI' : system;
    drawing.component(ci, 'builds and pushes images');
    const registry = image === undefined ? undefined : registryOf(image);
    if (image === undefined || registry === undefined) continue;
    drawing.component(registry, 'registry');
    drawing.edge(ci, registry, `pushes ${image}`);
  }
}

function drawLogs({ world, main, drawing }: Scene): void {
  const said = world.logs
    .slice(0, 5_000)
    .flatMap((log) =>
      [...log.message.matchAll(SPOKEN)].map((match) => ({ words: match[0].toLowerCase(), log })),
    );
  for (const { words, log } of said.slice(0, 50)) {
    const shown = log.message.slice(log.message.toLowerCase().indexOf(words)).slice(0, words.length);
    const bare = shown.replace(/^(?:to|the|a|an|from|of|with)\s+/i, '');
    if (!/\s/.test(bare)) continue;
    drawing.component(bare, 'named by the log');
    drawing.edge(
      main ?? log.component ?? 'application',
      bare,
      `log of ${log.component ?? 'the application'}`,
    );
  }
}

function drawSample({ name, labels }: World['samples'][number], { main, drawing }: Scene): void {
  for (const [label, value] of Object.entries(labels)) {
    if (!PEER.test(label) || !/^[A-Za-z][\w .-]{1,40}$/.test(value)) continue;
    const word = new RegExp(`\\b${value.replaceAll(/[^\w]/g, '.')}\\b`, 'i');
    const known = drawing.find((each) => word.test(each) && / /.test(each));
    const peer = known ?? (label === 'channel' ? `${value} gateway` : `${value} (${label})`);
    drawing.component(peer, `${label}="${value}" of ${name}`);
    if (main !== undefined) drawing.edge(main, peer, `metric ${name}`);
  }
  if (!/feature_?flag/.test(name)) return;
  drawing.component('feature-flag service', `asked by ${name}`);
  if (main !== undefined) drawing.edge(main, 'feature-flag service', `metric ${name}`);
}

/** What the system is made of and who needs whom, as far as objects, metrics, logs and engines tell it. */
export function systemOf(world: World): FoundSystem {
  const objects = [...world.live, ...world.desired];
  const workloads = objects.filter(({ kind }) => WORKLOADS.has(kind));
  const pods = world.live.filter(({ kind }) => kind === 'Pod');
  const [first] = workloads;
  const drawing = newDrawing();
  const scene = { world, workloads, pods, main: first === undefined ? undefined : nameOf(first), drawing };
  for (const object of objects) if (SHOWN.test(object.kind)) drawObject(object, scene);
  drawPods(scene);
  drawEngines(scene);
  drawBuilds(scene);
  drawLogs(scene);
  for (const sample of world.samples) {
    drawSample(sample, scene);
    if (drawing.isFull()) break;
  }
  return drawing.system();
}
