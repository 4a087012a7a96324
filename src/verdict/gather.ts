import { LandfallError } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { parseReference } from '../oci/index.ts';
import {
  askPorts,
  collectImages,
  collectRollouts,
  decideRender,
  decideSync,
  discoverObservations,
  ignoredByJq,
  leadingImage,
  observe,
  attempt,
  read,
  serviceFacts,
  takeSnapshot,
  valueOf,
} from '../boundaries/index.ts';
import type { Reading, RenderedFacts } from '../boundaries/index.ts';
import { askedByBuild, askedImage, askedRevision, buildsOf } from './asked.ts';
import { engineStatus, findApplication } from './application.ts';
import type { ApplicationSpec } from './application.ts';
import { destinationOf } from './destination.ts';
import { readOrigin } from './origin/index.ts';
import { registeredSync } from './registered-sync.ts';
import { withoutUnchanged } from './configuration-since.ts';
import { ignoreRulesOf } from './ignore-rules.ts';
import { appliedBy, inventoryOf } from './inventory.ts';
import type { Material } from './judge.ts';
import type { Question, Sources } from './question.ts';

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

/** The object again as it is by now. */
async function readAgain(
  kube: KubeClient,
  spec: ApplicationSpec,
  signal: AbortSignal,
): Promise<Reading<KubeObject>> {
  return attempt(async () => {
    const object = await kube.get(refOf(spec.object), signal);
    if (object !== undefined) return object;
    const where = `${spec.object.kind} ${spec.namespace}/${spec.name}`;
    throw new LandfallError(`${where} is not there any more.`, {
      kind: 'not-found',
      code: 'application-not-found',
      object: where,
    });
  }, signal);
}

const NOT_RENDERED = {
  state: 'unreadable' as const,
  why: 'the tracked revision could not be read',
  code: 'git-unreadable',
};

/** Reads everything that a verdict needs, each source once. Throws only for a wrong question and for a cancellation. */
export async function gather(sources: Sources, question: Question, signal: AbortSignal): Promise<Material> {
  const { kube, registry, clock } = sources;
  const progress = question.onProgress ?? (() => {});
  if (question.image !== undefined) parseReference(question.image);
  progress('application');
  const spec = await findApplication(kube, question.application, question.namespace, signal);
  progress('git');
  const origin = await readOrigin(sources, spec, signal);
  const { files } = origin;
  const file =
    files === undefined ? undefined : await attempt(async () => files.readFile('landfall.yaml'), signal);
  const bytes = file === undefined ? undefined : valueOf(file);
  const landfallYaml = bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
  const declared = question.declaredBy(landfallYaml, spec.name);

  progress('render');
  const found = origin.tracked;
  const rendering =
    found.state !== 'read' || !found.value.pathExists
      ? NOT_RENDERED
      : await attempt(() => origin.render(), signal);
  // A version that its repository does not have is nothing that could be rendered: what asks for it is wrong.
  const tracked = rendering.state === 'absent' && rendering.code === 'chart-not-found' ? rendering : found;
  const set = rendering.state === 'read' ? read(rendering.value.set) : rendering;
  const wanted = set.state === 'read' ? set.value.objects : [];
  const rendered = await placeRendered(kube, appliedBy(spec, wanted), spec.destination, signal);

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
      ? await askedRevision(sources, origin, question.revision, declared, signal)
      : { asked: {}, wantedCommit: undefined };
  const builds = await buildsOf(question, asking.wantedCommit, images, signal);
  const asked =
    question.image === undefined
      ? { ...asking.asked, ...askedByBuild(builds, images) }
      : { ...asking.asked, image: await askedImage(sources, question.image, images, signal) };

  const nobodyAsked = question.image === undefined && question.revision === undefined;
  const { git } = origin;
  const governed =
    question.governedBy === undefined || !nobodyAsked || set.state !== 'read' || git === undefined
      ? undefined
      : await attempt(
          async () => question.governedBy?.({ spec, file: landfallYaml, ...git, set: set.value }, signal),
          signal,
        );

  progress('cluster');
  const target = await destinationOf(kube, spec.object, clock, signal);
  const earlier = await readAgain(kube, spec, signal);
  const snapshot = await takeSnapshot(
    target,
    rendered.map(({ object }) => object),
    clock,
    signal,
  );
  const collected = await collectRollouts(
    (reference) => registry.resolve(reference, signal),
    rendered,
    snapshot,
    images,
    resolutions,
  );
  const rollouts = await withoutUnchanged(
    collected,
    spec.object,
    origin,
    rendered.map(({ object }) => object),
    signal,
  );
  progress('traffic');
  const services = await askPorts(
    target,
    serviceFacts(
      rendered.map(({ object }) => object),
      snapshot,
    ),
    snapshot,
    signal,
  );
  const observations =
    declared.observe.length > 0
      ? declared.observe
      : discoverObservations(rendered.map(({ object }) => object));
  const observed = await observe(target, observations, services, snapshot, signal);
  const leading = leadingImage(images.filter((image) => image.ours));
  const digest = leading?.answer.state === 'read' ? leading.answer.value.digest : leading?.pinned;
  // Only what was measured now is compared with what was measured before.
  const measured = observed.some(({ errors }) => errors?.state === 'read');
  const before = measured
    ? await attempt(async () => question.baselineFor?.(spec, digest), signal)
    : read(undefined);
  const baseline = before.state === 'read' ? before.value && read(before.value) : before;
  // The Application again: its controller may have worked while everything else was read.
  const again = await readAgain(kube, spec, signal);
  const application = again.state === 'read' ? again.value : spec.object;
  const objects = rendered.map(({ object }) => object);
  const ignore = ignoreRulesOf(application, rendered, spec.argo?.settings);
  const ignored = await attempt(() => ignoredByJq(ignore, objects, clock, signal), signal);
  const at = new Date(clock.now()).toISOString();
  return {
    subject: {
      name: spec.name,
      namespace: spec.namespace,
      environment: declared.environment,
      kind: spec.object.kind,
      from: spec.from.kind,
      repository: origin.display,
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
    sync: registeredSync(
      decideSync({
        application: again,
        ...(earlier.state === 'read' ? { before: earlier.value } : {}),
        expected: tracked.state === 'read' ? origin.expected : tracked,
        also: rendering.state === 'read' ? rendering.value.also : [],
        ...(origin.since === undefined ? {} : { expectedSince: origin.since }),
        ...(origin.pollMs === undefined ? {} : { pollMs: origin.pollMs }),
        ...(origin.configDigest === undefined ? {} : { configDigest: origin.configDigest }),
        ...(spec.flux === undefined ? {} : { source: spec.flux.source }),
        now: clock.now(),
      }),
      origin.registration,
      clock.now(),
    ),
    rendered,
    images,
    snapshot,
    ...(target === kube ? {} : { elsewhere: true }),
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
