import { renderApplication } from '../../boundaries/index.ts';
import type { KubeClient } from '../../kube/index.ts';
import type { FileTree } from '../../kustomize/index.ts';
import { desiredObject, preflightOf } from '../../verdict/index.ts';
import type { World } from '../../verdict/index.ts';
import type { CheckOptions } from '../commands/check.ts';
import { askCluster } from './ask-cluster.ts';
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
        : [...cluster.skipped, ...cluster.unreadable.map(({ what, why }) => `${what}: ${why}`)],
  };
}
