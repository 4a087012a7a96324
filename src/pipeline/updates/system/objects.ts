import { asLandfallError } from '../../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import {
  IMAGE_POLICY,
  IMAGE_REPOSITORY,
  IMAGE_UPDATE_AUTOMATION,
  IMAGE_UPDATER,
  type FluxObjects,
} from '../configuration/index.ts';

/** The objects of a cluster that configure updates, and those that updates are for. */
export interface UpdaterObjects {
  readonly applications: readonly KubeObject[];
  readonly imageUpdaters: readonly KubeObject[];
  readonly flux: FluxObjects;
  /** Kinds that this identity may not list; what they configure is not done. */
  readonly denied?: readonly string[];
}

const APPLICATION = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application' };
const KUSTOMIZATION = { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' };
const GIT_REPOSITORY = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' };
const NAMESPACE = { apiVersion: 'v1', kind: 'Namespace' };

/**
 * Those that may concern one application: ImageUpdaters of its namespace, or Flux' image objects for a Kustomization.
 * What may not be read is taken as not there: whoever asks about a delivery need not be allowed to see updaters.
 */
export async function readObjectsFor(
  kube: KubeClient,
  application: KubeObject,
  signal: AbortSignal,
): Promise<UpdaterObjects> {
  const { namespace = '' } = application.metadata;
  const list = async (kind: { readonly apiVersion: string; readonly kind: string }, all = false) => {
    try {
      return (await kube.list(kind, all ? {} : { namespace }, signal)).items;
    } catch {
      signal.throwIfAborted();
      return [];
    }
  };
  if (application.kind !== KUSTOMIZATION.kind) {
    return { applications: [application], imageUpdaters: await list(IMAGE_UPDATER), flux: NO_FLUX };
  }
  const automations = await list(IMAGE_UPDATE_AUTOMATION, true);
  const gitRepositories = await list(GIT_REPOSITORY, true);
  const flux =
    automations.length === 0
      ? { ...NO_FLUX, gitRepositories }
      : {
          automations,
          gitRepositories,
          repositories: await list(IMAGE_REPOSITORY, true),
          policies: await list(IMAGE_POLICY, true),
          namespaces: await list(NAMESPACE, true),
        };
  return { applications: [], imageUpdaters: [], flux: { ...flux, kustomizations: [application] } };
}

const NO_FLUX: FluxObjects = {
  repositories: [],
  policies: [],
  automations: [],
  gitRepositories: [],
  kustomizations: [],
  namespaces: [],
};

/** Reads them, each kind once. A kind that the cluster does not know has no objects; what else fails is thrown. */
export async function readUpdaterObjects(
  kube: KubeClient,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<UpdaterObjects> {
  const denied: string[] = [];
  const list = async (kind: { readonly apiVersion: string; readonly kind: string }) => {
    try {
      const where = namespace === undefined || kind === NAMESPACE ? {} : { namespace };
      return (await kube.list(kind, where, signal)).items;
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.code === 'kind-unknown') return undefined;
      // Other updaters' kinds are nobody's duty to open; Applications are.
      if (error.kind !== 'denied' || kind === APPLICATION) throw thrown;
      denied.push(kind.kind);
      return [];
    }
  };
  /** Flux before 2.7 serves its image kinds as v1beta2 only; their fields are the same. */
  const listImage = async (kind: { readonly apiVersion: string; readonly kind: string }) =>
    (await list(kind)) ?? (await list({ ...kind, apiVersion: `${kind.apiVersion}beta2` })) ?? [];
  const [applications, imageUpdaters, repositories, policies, automations] = await Promise.all([
    list(APPLICATION),
    list(IMAGE_UPDATER),
    listImage(IMAGE_REPOSITORY),
    listImage(IMAGE_POLICY),
    listImage(IMAGE_UPDATE_AUTOMATION),
  ]);
  const [gitRepositories, kustomizations] = await Promise.all([list(GIT_REPOSITORY), list(KUSTOMIZATION)]);
  const shared = repositories.some(
    ({ spec }) => (spec as { accessFrom?: unknown })?.accessFrom !== undefined,
  );
  return {
    applications: applications ?? [],
    imageUpdaters: imageUpdaters ?? [],
    flux: {
      repositories,
      policies,
      automations,
      gitRepositories: gitRepositories ?? [],
      kustomizations: kustomizations ?? [],
      namespaces: shared ? ((await list(NAMESPACE)) ?? []) : [],
    },
    ...(denied.length === 0 ? {} : { denied: denied.toSorted() }),
  };
}
