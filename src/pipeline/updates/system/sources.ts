import { applicationSpec, renderApplication } from '../../../boundaries/index.ts';
import type { RenderedSet } from '../../../boundaries/index.ts';
import type { FileTree, GitMirror, GitMirrors } from '../../../git/index.ts';
import { getString, LandfallError } from '../../../kernel/index.ts';
import type { Clock } from '../../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import type { Hold, Ledger } from '../../../ledger/index.ts';
import type { Platform } from '../../../oci/index.ts';
import { readApplication, readKustomization, renderSources } from '../../../verdict/index.ts';
import type { ApplicationSpec } from '../../../verdict/index.ts';
import { editImages } from '../../edits/index.ts';
import { createAncestry } from '../ancestry.ts';
import type { Updater } from '../configuration/index.ts';
import type { CycleSources } from '../cycle.ts';
import type { RenderTemplate } from '../message.ts';
import { createPublish } from '../publish.ts';
import { createRegistries } from '../registries.ts';
import type { UpdaterObjects } from './objects.ts';
import type { RegistryClients } from './registry-clients.ts';

export interface SystemOptions {
  readonly kube: KubeClient;
  readonly git: GitMirrors;
  /** Of a repository with the credentials of a project. Default: as this user reaches it. */
  readonly mirror?: (url: string, project: string, signal: AbortSignal) => Promise<GitMirror>;
  readonly clients: RegistryClients;
  /** As they were read for the updaters of a cycle. */
  readonly objects: () => UpdaterObjects;
  readonly ledger: Pick<Ledger, 'holds'>;
  readonly clock: Clock;
  readonly template: RenderTemplate;
  /** Where tokens of Git hosts are. Default: of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Ms for which a list of tags serves everybody. Default 10,000. */
  readonly shareMs?: number;
}

/** Ms for which nodes are not listed again. */
const FRESH = 30_000;

/** What a cycle works with, in a cluster. */
export function clusterSources(options: SystemOptions): CycleSources {
  const { kube, git, clients, ledger, clock } = options;
  const mirror = options.mirror ?? ((url: string): Promise<GitMirror> => Promise.resolve(git.open(url)));
  let nodes: { readonly at: number; readonly found: Promise<readonly Platform[]> } | undefined;

  async function platforms(updater: Updater, signal: AbortSignal): Promise<readonly Platform[]> {
    if (!runsHere(kube, updater, options.objects())) return [];
    if (nodes === undefined || clock.now() - nodes.at > FRESH) {
      const found = nodePlatforms(kube, signal);
      const asked = { at: clock.now(), found };
      nodes = asked;
      found.catch(() => {
        if (nodes === asked) nodes = undefined;
      });
    }
    return nodes.found;
  }

  return {
    clock,
    registries: createRegistries({
      client: (secret, signal) => clients.of(secret, signal),
      clock,
      ...(options.shareMs === undefined ? {} : { shareMs: options.shareMs }),
    }),
    ancestry: createAncestry(async (url, signal) => {
      const source = await mirror(url, '', signal);
      await source.fetch(signal);
      return source;
    }),
    edit: editImages,
    template: options.template,
    repository: (updater, signal) => mirror(updater.git.url, updater.git.project, signal),
    render: (updater, tree, commit, signal) =>
      rendered(
        { kube, git, mirror: (url, limit) => mirror(url, updater.git.project, limit) },
        options.objects(),
        updater,
        tree,
        commit,
        signal,
      ),
    platforms,
    async holds({ application, covers = [application] }, signal) {
      const found: Hold[] = [];
      for (const { namespace, name } of covers) {
        signal.throwIfAborted();
        const subject = { cluster: kube.server, namespace, application: name };
        found.push(...(await ledger.holds.list(subject)).filter(({ kind }) => kind === 'updates'));
      }
      return found;
    },
    publish: createPublish({
      clock: clock,
      ...(options.environment === undefined ? {} : { environment: options.environment }),
    }),
  };
}

async function nodePlatforms(kube: KubeClient, signal: AbortSignal): Promise<readonly Platform[]> {
  const { items } = await kube.list({ apiVersion: 'v1', kind: 'Node' }, {}, signal);
  const found = new Map<string, Platform>();
  for (const node of items) {
    const os = getString(node, 'status', 'nodeInfo', 'operatingSystem');
    const architecture = getString(node, 'status', 'nodeInfo', 'architecture');
    if (os !== undefined && architecture !== undefined && os !== '' && architecture !== '')
      found.set(`${os}/${architecture}`, { os, architecture });
  }
  return [...found.values()];
}

/** Whether an updater's application runs in the cluster that it is configured in. */
function runsHere(kube: KubeClient, updater: Updater, objects: UpdaterObjects): boolean {
  const object = find(objects.applications, updater.application);
  if (object === undefined || updater.origin === 'ImageUpdateAutomation') return true;
  const { server = '', name = '' } = applicationSpec(object).destination;
  return server === 'https://kubernetes.default.svc' || name === 'in-cluster' || server === kube.server;
}

function find(
  among: readonly KubeObject[],
  { namespace, name }: { readonly namespace: string; readonly name: string },
): KubeObject | undefined {
  return among.find(({ metadata }) => metadata.name === name && (metadata.namespace ?? '') === namespace);
}

async function specOf(
  kube: KubeClient,
  objects: UpdaterObjects,
  place: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<ApplicationSpec> {
  const application = find(objects.applications, place);
  if (application !== undefined) return readApplication(kube, application, signal);
  const kustomization = find(objects.flux.kustomizations, place);
  if (kustomization !== undefined) return readKustomization(kube, kustomization, signal);
  throw new LandfallError(`${place.namespace}/${place.name} is not there any more.`, {
    kind: 'not-found',
    code: 'application-not-found',
    object: `${place.namespace}/${place.name}`,
  });
}

async function rendered(
  from: Parameters<typeof renderSources>[0],
  objects: UpdaterObjects,
  updater: Updater,
  tree: FileTree,
  commit: string,
  signal: AbortSignal,
): Promise<RenderedSet> {
  const { application, covers = [] } = updater;
  if (updater.origin !== 'ImageUpdateAutomation') {
    const spec = await specOf(from.kube, objects, application, signal);
    return (await renderSources(from, spec, commit, signal, tree)).set;
  }
  const sets: RenderedSet[] = [];
  // The first is the automation itself, which renders nothing.
  for (const place of covers.slice(1)) {
    const spec = await specOf(from.kube, objects, place, signal);
    const { set } = await renderSources(from, spec, commit, signal, tree);
    // One that does not render stops nobody else; one that stops rendering by the change loses its objects.
    if (set.failure === undefined) sets.push(set);
  }
  if (sets.length === 0) return renderApplication(tree, updater.git.path, { signal });
  return {
    sourceType: 'Kustomize',
    objects: sets.flatMap((set) => set.objects),
    findings: sets.flatMap((set) => set.findings),
    warnings: sets.flatMap((set) => set.warnings),
  };
}

/** The object that events about an updater belong to. */
export function objectOf({ origin, application }: Updater, objects: UpdaterObjects): KubeObject | undefined {
  if (origin === 'ImageUpdateAutomation') return find(objects.flux.automations, application);
  return find(objects.applications, application) ?? find(objects.flux.kustomizations, application);
}
