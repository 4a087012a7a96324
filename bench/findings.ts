import { execFile } from 'node:child_process';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { findingsOf } from '../src/verdict/index.ts';
import type { EventFact, World, WorldObject } from '../src/verdict/index.ts';
import { openStage, workload } from '../test/cli/stage.ts';
import { median, milliseconds } from './table.ts';

const CLI = path.resolve(import.meta.dirname, '../dist/landfall.js');
const APPLICATIONS = 1_000;
const PODS = 3;
const ROUNDS = 5;

type Ill = 'well' | 'crash' | 'pull' | 'pending' | 'selector';
/** Every twentieth application is in trouble, in turn of another kind. */
const KINDS: readonly Ill[] = ['crash', 'pull', 'pending', 'selector'];

function object(kind: string, name: string, value: Omit<WorldObject['value'], 'kind'>): WorldObject {
  const namespace = `space-${name.split('-')[1] ?? ''}`;
  const source = { type: 'object', apiVersion: 'v1', kind, namespace, name } as const;
  return {
    apiVersion: kind === 'Pod' || kind === 'Service' ? 'v1' : 'apps/v1',
    kind,
    namespace,
    name,
    value: value,
    whole: true,
    cite: () => source,
  };
}

function state(ill: Ill): WorldObject['value'] {
  if (ill === 'crash') return { waiting: { reason: 'CrashLoopBackOff' } };
  return ill === 'pull'
    ? { waiting: { reason: 'ImagePullBackOff', message: 'manifest unknown' } }
    : { running: {} };
}

/** What is stored of one application: a Deployment, its ReplicaSet, three pods, a Service and its endpoints. */
function application(index: number): {
  readonly live: readonly WorldObject[];
  readonly events: readonly EventFact[];
} {
  const ill: Ill = index % 20 === 0 ? (KINDS[(index / 20) % KINDS.length] ?? 'well') : 'well';
  const name = `app-${index}`;
  const labels = { app: name };
  const ready = ill === 'well' || ill === 'selector' ? PODS : 0;
  const image = `registry.corp.io/${name}:1.${index}.0`;
  const template = {
    metadata: { labels },
    spec: {
      containers: [
        {
          name: 'main',
          image,
          ports: [{ containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/', port: 8080 } },
        },
      ],
    },
  };
  const set = `${name}-6b7f9a8d4c`;
  const pods = Array.from({ length: PODS }, (_, at) =>
    object('Pod', `${set}-aa${String.fromCharCode(98 + at)}2x`, {
      metadata: { labels, ownerReferences: [{ kind: 'ReplicaSet', name: set, controller: true }] },
      spec: { ...(ill === 'pending' ? {} : { nodeName: `node-${index % 50}` }), ...template.spec },
      status: {
        phase: ill === 'pending' || ill === 'pull' ? 'Pending' : 'Running',
        conditions: [
          { type: 'Ready', status: ready > 0 ? 'True' : 'False' },
          ...(ill === 'pending'
            ? [
                {
                  type: 'PodScheduled',
                  status: 'False',
                  reason: 'Unschedulable',
                  message: '0/50 nodes are available: 50 Insufficient cpu.',
                },
              ]
            : []),
        ],
        containerStatuses:
          ill === 'pending'
            ? []
            : [
                {
                  name: 'main',
                  ready: ready > 0,
                  restartCount: ill === 'crash' ? 7 : 0,
                  image,
                  imageID: '',
                  state: state(ill),
                },
              ],
      },
    }),
  );
  return {
    live: [
      object('Deployment', name, {
        metadata: { generation: 2, labels },
        spec: { replicas: PODS, selector: { matchLabels: labels }, template },
        status: {
          observedGeneration: 2,
          replicas: PODS,
          updatedReplicas: PODS,
          readyReplicas: ready,
          availableReplicas: ready,
        },
      }),
      object('ReplicaSet', set, {
        metadata: { labels, ownerReferences: [{ kind: 'Deployment', name, controller: true }] },
        spec: { replicas: PODS, template },
        status: { replicas: PODS, readyReplicas: ready },
      }),
      ...pods,
      object('Service', name, {
        spec: {
          selector: ill === 'selector' ? { app: 'other' } : labels,
          ports: [{ port: 80, targetPort: 8080 }],
        },
      }),
    ],
    events: pods.map((pod) => ({
      type: 'Normal',
      reason: 'Scheduled',
      message: 'assigned',
      object: `Pod/${pod.namespace ?? ''}/${pod.name}`,
      count: 1,
      lastSeen: undefined,
      ageMs: undefined,
      source: pod.cite([]),
    })),
  };
}

function worldOf(count: number): World {
  const all = Array.from({ length: count }, (_, index) => application(index));
  return {
    live: all.flatMap(({ live }) => live),
    desired: [],
    files: [],
    events: all.flatMap(({ events }) => events),
    logs: [],
    samples: [],
    builds: [],
    commits: [],
    digests: [],
    engines: [],
    answers: [],
    unreadable: [],
    at: '2026-03-01T12:00:00Z',
  };
}

function catalogue(): readonly string[] {
  return [100, APPLICATIONS].map((count) => {
    const world = worldOf(count);
    findingsOf(world);
    let found = 0;
    const times = Array.from({ length: ROUNDS }, () => {
      const started = performance.now();
      found = findingsOf(world).filter(({ kind }) => kind === 'cause').length;
      return performance.now() - started;
    });
    return `| the catalogue over ${count} applications (${world.live.length} objects) | ${milliseconds(median(times))} | ${found} causes, ${count / 20} applications in trouble |`;
  });
}

/** What a person asks, one after the other, until the crash is understood. */
const ASKED: readonly (readonly string[])[] = [
  ['get', 'deployments', '-o', 'wide'],
  ['get', 'replicasets'],
  ['get', 'pods', '-o', 'wide'],
  ['describe', 'pods'],
  ['get', 'events', '--sort-by=.lastTimestamp'],
  ['logs', '-l', 'app=crash', '--previous'],
  ['get', 'services,endpointslices'],
];

async function timed(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const started = performance.now();
  await new Promise<void>((resolve) => {
    execFile(program, args, { env }, () => {
      resolve();
    });
  });
  return performance.now() - started;
}

async function explain(): Promise<readonly string[]> {
  const stage = await openStage();
  try {
    await stage.commit(workload('crash', { mode: 'exit' }));
    await stage.deliver('crash', { path: 'crash' });
    await stage.prove('crash', ['--wait', '20s']);
    const env = { ...process.env, HOME: stage.home, KUBECONFIG: stage.kubeconfig };
    const ours: number[] = [];
    const others: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      ours.push(await timed(process.execPath, [CLI, 'explain', 'crash'], env));
      let sum = 0;
      for (const args of ASKED) sum += await timed('kubectl', ['-n', 'crash', ...args], env);
      others.push(sum);
    }
    return [
      `| \`landfall explain\` of a crash, live | ${milliseconds(median(ours))} | one command |`,
      `| what a person asks kubectl for the same | ${milliseconds(median(others))} | ${ASKED.length} commands, and the time to read them |`,
    ];
  } finally {
    await stage.close();
  }
}

/** The catalogue over the claims of many applications, and `explain` beside the calls that it saves. */
export async function benchFindings(): Promise<string> {
  const rows = [...catalogue(), ...(await explain())];
  return `## findings\n\n| what | time | note |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}
