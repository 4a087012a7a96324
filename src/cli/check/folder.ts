import { attempt, renderApplication } from '../../boundaries/index.ts';
import type { RenderedFacts } from '../../boundaries/index.ts';
import { asLandfallError, mapBounded } from '../../kernel/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { KindRef, KubeClient } from '../../kube/index.ts';
import type { FileTree } from '../../kustomize/index.ts';
import { desiredObject, liveObject, preflightOf } from '../../verdict/index.ts';
import type { AnswerFact, World, WorldObject } from '../../verdict/index.ts';
import type { CheckOptions } from '../commands/check.ts';
import { issueOf } from './issue.ts';
import type { Issue } from './issue.ts';

interface Ask {
  readonly tree: FileTree;
  /** Inside of the tree. */
  readonly folder: string;
  /** Undefined where only the manifests are looked at. */
  readonly kube: KubeClient | undefined;
  readonly options: CheckOptions;
  readonly signal: AbortSignal;
}

export interface Checked {
  readonly issues: readonly Issue[];
  /** What was not looked at, and why. */
  readonly notChecked: readonly string[];
}

/** Newest version that the removals are known for, where nobody says which one it is. */
const NEWEST_MINOR = 34;
const AT_ONCE = 6;
const LISTED: readonly KindRef[] = [
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'ServiceAccount' },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
  { apiVersion: 'v1', kind: 'ResourceQuota' },
  { apiVersion: 'v1', kind: 'LimitRange' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
];

interface FromCluster {
  readonly live: readonly WorldObject[];
  readonly answers: readonly AnswerFact[];
  readonly unreadable: readonly { readonly what: string; readonly why: string }[];
}

/** Names of Secrets, never what is in them. */
function withoutData(object: WorldObject): WorldObject {
  const { data: _data, stringData: _text, ...rest } = object.value;
  return { ...object, value: rest, whole: false };
}

/** Asks the cluster what is there, what the identity may, and what a dry run of every object would answer. */
async function askCluster(
  kube: KubeClient,
  objects: readonly RenderedFacts[],
  namespace: string,
  signal: AbortSignal,
): Promise<FromCluster> {
  const spaces = [...new Set(objects.map(({ object }) => object.metadata.namespace ?? namespace))].slice(
    0,
    8,
  );
  const asks = [
    ...spaces.flatMap((space) =>
      [...LISTED, { apiVersion: 'v1', kind: 'Secret' }].map((kind) => ({ kind, space })),
    ),
    { kind: { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass' }, space: undefined },
  ];
  const listed = await mapBounded(asks, AT_ONCE, async ({ kind, space }) => ({
    what: `${kind.kind}s${space === undefined ? '' : ` of ${space}`}`,
    kind,
    reading: await attempt(
      async () => (await kube.list(kind, space === undefined ? {} : { namespace: space }, signal)).items,
      signal,
    ),
  }));
  const answers = await mapBounded(objects, AT_ONCE, async ({ object }): Promise<AnswerFact | undefined> => {
    const asked = `apply --dry-run=server ${object.kind}/${object.metadata.name}`;
    const source = {
      type: 'object' as const,
      apiVersion: object.apiVersion,
      kind: object.kind,
      name: object.metadata.name,
    };
    try {
      const kind = await kube.resource(object, signal);
      const placed =
        kind.namespaced && object.metadata.namespace === undefined
          ? { ...object, metadata: { ...object.metadata, namespace } }
          : object;
      const may = await kube.canI(
        'patch',
        { group: splitApiVersion(object.apiVersion).group, resource: kind.resource },
        placed.metadata.namespace,
        signal,
      );
      if (!may.allowed)
        return {
          asked,
          ok: false,
          source,
          answer: `forbidden: User "this identity" cannot patch resource "${kind.resource}" in API group "${kind.group}"${placed.metadata.namespace === undefined ? '' : ` in the namespace "${placed.metadata.namespace}"`}`,
        };
      await kube.apply(
        placed,
        {
          fieldManager: 'landfall-check',
          dryRun: true,
          force: true,
          fieldValidation: 'Strict',
          before: null,
        },
        signal,
      );
      return undefined;
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (signal.aborted) throw error;
      return { asked, ok: false, source, answer: error.message };
    }
  });
  return {
    live: listed.flatMap(({ kind, reading }) =>
      reading.state === 'read'
        ? reading.value
            .map(liveObject)
            .map((object) => (kind.kind === 'Secret' ? withoutData(object) : object))
        : [],
    ),
    answers: answers.filter((answer) => answer !== undefined),
    unreadable: listed.flatMap(({ what, reading }) =>
      reading.state === 'unreadable' ? [{ what, why: reading.why }] : [],
    ),
  };
}

/** A folder as the renderer wants it; what a tree cannot list or name, it does not have. */
function wholeTree(tree: FileTree): Parameters<typeof renderApplication>[0] {
  return {
    readFile: (file) => tree.readFile(file),
    kind: (file) => tree.kind(file),
    list: async (file) => (await tree.list?.(file))?.toSorted(),
    identity: async (file) => tree.identity?.(file),
    resolve: async (file) => (tree.resolve === undefined ? file : tree.resolve(file)),
  };
}

/** Renders one folder and says what would go wrong with it. */
export async function checkFolder({ tree, folder, kube, options, signal }: Ask): Promise<Checked> {
  const set = await renderApplication(wholeTree(tree), folder, { signal });
  if (set.failure !== undefined) {
    const [file = folder, line] = (set.failure.where ?? folder).split(':');
    return {
      issues: [
        {
          id: 'render-failed',
          failure: 'REN-02',
          level: 'error',
          boundary: 'render',
          title: set.failure.message,
          why: 'Nothing can be applied that cannot be rendered.',
          fix: set.failure.hint ?? 'Go to the line that it names.',
          object: undefined,
          file,
          line: Number(line) || 1,
        },
      ],
      notChecked: [],
    };
  }
  if (set.objects.length === 0) {
    return {
      issues: [
        {
          id: 'nothing-rendered',
          failure: undefined,
          level: 'warning',
          boundary: 'render',
          title: `${folder} holds no manifest`,
          why: 'What renders to nothing deploys nothing, and a sync that prunes would take away what runs.',
          fix: 'Name a folder with manifests or a kustomization, or check --all.',
          object: undefined,
          file: folder,
          line: 1,
        },
      ],
      notChecked: [],
    };
  }
  const namespace = options.namespace ?? 'default';
  const cluster = kube === undefined ? undefined : await askCluster(kube, set.objects, namespace, signal);
  const minor =
    options.kubernetesVersion ??
    (kube === undefined
      ? NEWEST_MINOR
      : Number.parseInt((await kube.version(signal)).minor, 10) || NEWEST_MINOR);
  const world: World = {
    live: cluster?.live ?? [],
    desired: set.objects.map(desiredObject),
    files: [],
    events: [],
    logs: [],
    samples: [],
    builds: [],
    commits: [],
    digests: [],
    engines: [],
    answers: cluster?.answers ?? [],
    unreadable: cluster?.unreadable ?? [],
    at: undefined,
  };
  const found = preflightOf(world, { kubernetesMinor: minor }).map((finding) => issueOf(finding, folder));
  // The render names the same Service, and knows the line.
  const selectors = new Set(
    set.findings
      .filter(({ kind }) => kind === 'selector-without-pods')
      .map(({ object }) => object?.split('/').at(-1)),
  );
  const issues = found.filter(
    ({ id, object }) => id !== 'service-selects-nothing' || !selectors.has(object?.split('/').at(-1)),
  );
  return {
    issues: [
      ...issues,
      ...set.findings.map((finding): Issue => ({
        id:
          finding.kind === 'selector-without-pods'
            ? 'service-selects-nothing'
            : finding.kind === 'no-match'
              ? 'entry-matches-nothing'
              : finding.kind,
        failure:
          finding.kind === 'selector-without-pods'
            ? 'TRA-01'
            : finding.kind === 'container-added'
              ? 'REN-07'
              : finding.kind === 'overridden'
                ? 'INT-02'
                : 'REN-01',
        level:
          finding.kind === 'selector-without-pods' || finding.kind === 'container-added'
            ? 'error'
            : 'warning',
        boundary: finding.kind === 'selector-without-pods' ? 'traffic' : 'render',
        title: finding.message,
        why: 'The render is valid, and most likely not what was meant.',
        fix: 'Correct the line.',
        object: finding.object,
        file: finding.file === '' ? folder : finding.file,
        line: Math.max(1, finding.line),
      })),
    ],
    notChecked:
      cluster === undefined
        ? ['quotas, permissions, and what is in the cluster already (--cluster)']
        : cluster.unreadable.map(({ what, why }) => `${what}: ${why}`),
  };
}
