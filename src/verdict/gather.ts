import { LandfallError } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { GitMirror, GitMirrors } from '../git/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { parseReference } from '../oci/index.ts';
import type { RegistryClient } from '../oci/index.ts';
import {
  applicationSpec,
  collectImages,
  collectRollouts,
  decideRender,
  decideSync,
  discoverObservations,
  fullRepository,
  ignoredByJq,
  observe,
  releaseOf,
  attempt,
  read,
  serviceFacts,
  takeSnapshot,
  valueOf,
  withoutTag,
} from '../boundaries/index.ts';
import type {
  Asked,
  CommitBuild,
  ErrorBaseline,
  GovernedImage,
  HealthRule,
  ImageFacts,
  Observation,
  Reading,
  RenderedFacts,
  RenderedSet,
  TrackedRevision,
} from '../boundaries/index.ts';
import { engineStatus, findApplication } from './application.ts';
import type { ApplicationSpec } from './application.ts';
import { renderSources } from './render-sources.ts';
import { inventoryOf } from './inventory.ts';
import type { Material } from './judge.ts';

export interface Sources {
  readonly kube: KubeClient;
  readonly git: GitMirrors;
  readonly registry: RegistryClient;
  readonly clock: Clock;
}

/** What `landfall.yaml` at the tracked commit says of an application. */
export interface Declared {
  readonly environment: string | undefined;
  /** Repository that the images are built from. */
  readonly source: string | undefined;
  /** Images that we build. */
  readonly images: readonly string[];
  readonly observe: readonly Observation[];
  /** How to tell the health of kinds that Landfall does not know. */
  readonly health?: readonly HealthRule[];
}

export interface Question {
  readonly application: string;
  /** Namespace of the Application object; left out: wherever it is. */
  readonly namespace?: string;
  /** A commit or name of a release: of the deployment repository, or of the source that is built. */
  readonly revision?: string;
  readonly image?: string;
  readonly acceptSimulated?: boolean;
  /** Reads `landfall.yaml` of the tracked commit; undefined file means that there is none. */
  readonly declaredBy: (file: string | undefined, application: string) => Declared;
  /** The shares of errors that were measured under the release before this one. */
  readonly baselineFor?: (
    application: ApplicationSpec,
    digest: string | undefined,
  ) => Promise<ErrorBaseline | undefined>;
  /** What image policies would choose now, for the images that Git asks for. */
  readonly governedBy?: (
    looked: {
      readonly spec: ApplicationSpec;
      /** `landfall.yaml` of the tracked commit. */
      readonly file: string | undefined;
      readonly mirror: GitMirror;
      readonly commit: string;
      readonly set: RenderedSet;
    },
    signal: AbortSignal,
  ) => Promise<readonly GovernedImage[]>;
  /** Builds of a commit of the source, of any of these images, newest first. */
  readonly buildsOf?: (
    commit: string,
    images: readonly string[],
    signal: AbortSignal,
  ) => Promise<readonly CommitBuild[]>;
  readonly onProgress?: (step: string) => void;
}

/** Kinds without a namespace, for when the cluster cannot be asked. */
const CLUSTER_SCOPED = new Set([
  'Namespace',
  'Node',
  'PersistentVolume',
  'StorageClass',
  'PriorityClass',
  'IngressClass',
  'GatewayClass',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'APIService',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'ClusterIssuer',
]);

async function isNamespaced(kube: KubeClient, object: KubeObject, signal: AbortSignal): Promise<boolean> {
  try {
    return (await kube.resource(object, signal)).namespaced;
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return !CLUSTER_SCOPED.has(object.kind);
  }
}

/** The objects that have to be in the cluster; those that name no namespace where the Application sends them. */
export async function placeRendered(
  kube: KubeClient,
  rendered: readonly RenderedFacts[],
  namespace: string,
  signal: AbortSignal,
): Promise<readonly RenderedFacts[]> {
  const placed: RenderedFacts[] = [];
  const scopes = new Map<string, boolean>();
  for (const facts of rendered) {
    const { object } = facts;
    const kind = `${object.apiVersion} ${object.kind}`;
    // A cluster that went away is asked once for each kind, not once for each object.
    const namespaced = scopes.get(kind) ?? (await isNamespaced(kube, object, signal));
    scopes.set(kind, namespaced);
    const { namespace: own, ...metadata } = object.metadata;
    const where = namespaced ? { ...metadata, namespace: own || namespace } : metadata;
    placed.push({ ...facts, object: { ...object, metadata: where } });
  }
  return inventoryOf(placed);
}

async function track(
  mirror: GitMirror,
  spec: ApplicationSpec,
  signal: AbortSignal,
): Promise<Reading<TrackedRevision>> {
  return attempt(async () => {
    await mirror.fetch(signal);
    const { commit } = await mirror.resolve(spec.revision, signal);
    const pathExists = spec.path === '.' || (await mirror.tree(commit).kind(spec.path)) === 'directory';
    return { repository: mirror.display, revision: spec.revision, commit, path: spec.path, pathExists };
  }, signal);
}

interface AskedFor {
  readonly asked: Asked;
  readonly wantedCommit: string | undefined;
}

/** A commit, whole or shortened as Git shows it. */
const COMMIT = /^[0-9a-f]{7,64}$/;

/**
 * What `--revision` means: a commit of the deployment repository when it has it, else one of the source that is
 * built. What neither repository knows is taken as the commit that it spells, or is a wrong question.
 */
async function askedRevision(
  sources: Sources,
  mirror: GitMirror,
  tracked: TrackedRevision,
  revision: string,
  declared: Declared,
  signal: AbortSignal,
): Promise<AskedFor> {
  const own = await attempt(() => mirror.resolve(revision, signal), signal);
  if (own.state === 'read') {
    const contained = await mirror.isAncestor(own.value.commit, tracked.commit, signal);
    return { asked: { revision: { commit: own.value.commit, contained } }, wantedCommit: undefined };
  }
  const source = declared.source === undefined ? undefined : sources.git.open(declared.source);
  const built =
    source === undefined ? undefined : await attempt(() => source.resolve(revision, signal), signal);
  if (built?.state === 'read') return { asked: {}, wantedCommit: built.value.commit };
  if (COMMIT.test(revision)) return { asked: {}, wantedCommit: revision };
  const unread = [own, built].find(
    (reading) => reading?.state === 'unreadable' && !reading.code.startsWith('git-revision'),
  );
  throw new LandfallError(
    unread === undefined
      ? `Neither ${mirror.display}${source === undefined ? '' : ` nor ${source.display}`} has the revision '${revision}'${source === undefined ? ', and landfall.yaml names no source that could' : ''}.`
      : `Whether '${revision}' is a revision is not known: ${unread.why}`,
    {
      kind: unread === undefined ? 'invalid-input' : 'unavailable',
      code: unread === undefined ? 'revision-unknown' : 'revision-unread',
      object: revision,
      hint:
        unread?.hint ??
        own.hint ??
        'Name a commit, tag or branch of the deployment or the source repository.',
    },
  );
}

/** The repository as Git spells it: `nginx` and `docker.io/library/nginx` are one. */
function sameImage(reference: string, images: readonly ImageFacts[]): string {
  const spelt = withoutTag(reference);
  const name = fullRepository(spelt);
  return images.find((image) => fullRepository(image.repository) === name)?.repository ?? spelt;
}

async function askedImage(
  sources: Sources,
  reference: string,
  images: readonly ImageFacts[],
  signal: AbortSignal,
): Promise<NonNullable<Asked['image']>> {
  const digest = await attempt(
    async () => (await sources.registry.resolve(reference, signal)).digest,
    signal,
  );
  return { reference, repository: sameImage(reference, images), digest };
}

/** A ledger that cannot be read says nothing of builds. */
async function buildsOf(
  question: Question,
  commit: string | undefined,
  images: readonly ImageFacts[],
  signal: AbortSignal,
): Promise<readonly CommitBuild[]> {
  const ask = question.buildsOf;
  if (commit === undefined || ask === undefined) return [];
  const ours = images.filter((image) => image.ours).map((image) => image.repository);
  return valueOf(await attempt(() => ask(commit, ours, signal), signal)) ?? [];
}

/** A commit that was built is asked for by what it became: then Git has to name that. */
function askedByBuild(builds: readonly CommitBuild[], images: readonly ImageFacts[]): Pick<Asked, 'image'> {
  const done = builds.find(({ state, digest }) => state === 'done' && digest !== undefined);
  if (done?.digest === undefined) return {};
  const named = images.filter((image) => image.repository === done.repository);
  // Another build of the same commit, with other bytes, is that commit all the same: artifact says so.
  const holds = named.some((image) => releaseOf(image).commit?.startsWith(done.commit.slice(0, 12)) === true);
  return named.length === 0 || holds
    ? {}
    : {
        image: {
          reference: done.reference,
          repository: done.repository,
          digest: read(done.digest),
        },
      };
}

const NOT_RENDERED = {
  state: 'unreadable' as const,
  why: 'the tracked revision could not be read',
  code: 'git-unreadable',
};

/** Reads everything that a verdict needs, each source once. Throws only for a wrong question and for a cancellation. */
export async function gather(sources: Sources, question: Question, signal: AbortSignal): Promise<Material> {
  const { kube, git, registry, clock } = sources;
  const progress = question.onProgress ?? (() => {});
  if (question.image !== undefined) parseReference(question.image);
  progress('application');
  const spec = await findApplication(kube, question.application, question.namespace, signal);
  progress('git');
  const mirror = git.open(spec.repository);
  const tracked = await track(mirror, spec, signal);
  const tree = tracked.state === 'read' ? mirror.tree(tracked.value.commit) : undefined;
  const file =
    tree === undefined ? undefined : await attempt(async () => tree.readFile('landfall.yaml'), signal);
  const bytes = file === undefined ? undefined : valueOf(file);
  const landfallYaml = bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
  const declared = question.declaredBy(landfallYaml, spec.name);

  progress('render');
  const rendering =
    tree === undefined || tracked.state !== 'read' || !tracked.value.pathExists
      ? NOT_RENDERED
      : await attempt(() => renderSources(sources, spec, tracked.value.commit, signal), signal);
  const set = rendering.state === 'read' ? read(rendering.value.set) : rendering;
  const rendered =
    set.state === 'read' ? await placeRendered(kube, set.value.objects, spec.destination, signal) : [];

  progress('registry');
  const { images, resolutions } = await collectImages(
    registry,
    rendered,
    new Set(declared.images),
    clock,
    signal,
  );
  const asking =
    question.revision !== undefined && tracked.state === 'read'
      ? await askedRevision(sources, mirror, tracked.value, question.revision, declared, signal)
      : { asked: {}, wantedCommit: undefined };
  const builds = await buildsOf(question, asking.wantedCommit, images, signal);
  const asked =
    question.image === undefined
      ? { ...asking.asked, ...askedByBuild(builds, images) }
      : { ...asking.asked, image: await askedImage(sources, question.image, images, signal) };

  const nobodyAsked = question.image === undefined && question.revision === undefined;
  const governed =
    question.governedBy === undefined || !nobodyAsked || set.state !== 'read' || tracked.state !== 'read'
      ? undefined
      : await attempt(
          async () =>
            question.governedBy?.(
              { spec, file: landfallYaml, mirror, commit: tracked.value.commit, set: set.value },
              signal,
            ),
          signal,
        );

  progress('cluster');
  const earlier = await attempt(() => findApplication(kube, spec.name, spec.namespace, signal), signal);
  const snapshot = await takeSnapshot(
    kube,
    rendered.map(({ object }) => object),
    clock,
    signal,
  );
  const rollouts = await collectRollouts(
    (reference) => registry.resolve(reference, signal),
    rendered,
    snapshot,
    images,
    resolutions,
  );
  const services = serviceFacts(
    rendered.map(({ object }) => object),
    snapshot,
  );
  progress('traffic');
  const observations =
    declared.observe.length > 0
      ? declared.observe
      : discoverObservations(rendered.map(({ object }) => object));
  const observed = await observe(kube, observations, services, snapshot, signal);
  const leading = images.find((image) => image.ours);
  const digest = leading?.answer.state === 'read' ? leading.answer.value.digest : leading?.pinned;
  // Only what was measured now is compared with what was measured before.
  const measured = observed.some(({ errors }) => errors?.state === 'read');
  const before = measured
    ? await attempt(async () => question.baselineFor?.(spec, digest), signal)
    : read(undefined);
  const baseline = before.state === 'read' ? before.value && read(before.value) : before;
  // The Application again: its controller may have worked while everything else was read.
  const again = await attempt(() => findApplication(kube, spec.name, spec.namespace, signal), signal);
  const application = again.state === 'read' ? again.value.object : spec.object;
  const ignore = applicationSpec(application).ignoreDifferences;
  const ignored = await attempt(
    () =>
      ignoredByJq(
        ignore,
        rendered.map(({ object }) => object),
        clock,
        signal,
      ),
    signal,
  );
  const committed =
    tracked.state === 'read'
      ? valueOf(
          await attempt(
            async () => Date.parse((await mirror.commitInfo(tracked.value.commit, signal)).time),
            signal,
          ),
        )
      : undefined;
  const at = new Date(clock.now()).toISOString();
  return {
    subject: {
      name: spec.name,
      namespace: spec.namespace,
      environment: declared.environment,
      repository: mirror.display,
      path: spec.path,
      revision: spec.revision,
      destination: spec.destination,
    },
    engine: engineStatus(application),
    tracked,
    asked,
    wantedCommit: asking.wantedCommit,
    ...(governed?.state === 'read' && governed.value !== undefined ? { governed: governed.value } : {}),
    ...(builds.length === 0 ? {} : { builds }),
    render: decideRender(set, tracked, images, at),
    sync: decideSync({
      application: again.state === 'read' ? read(again.value.object) : again,
      ...(earlier.state === 'read' ? { before: earlier.value.object } : {}),
      expected: tracked.state === 'read' ? read(tracked.value.commit) : tracked,
      also: rendering.state === 'read' ? rendering.value.also : [],
      // Nobody can have fetched a commit before it was made.
      ...(committed === undefined ? {} : { expectedSince: committed }),
      now: clock.now(),
    }),
    rendered,
    images,
    snapshot,
    rollouts,
    services,
    observed,
    baseline,
    ignore,
    ...(ignored.state === 'read' ? { ignored: ignored.value } : {}),
    acceptSimulated: question.acceptSimulated ?? false,
    ...(declared.health === undefined ? {} : { healthRules: declared.health }),
    at,
  };
}
