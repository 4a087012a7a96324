import {
  applicationSpec,
  applicationStatus,
  attempt,
  autoscalersOf,
  decideDrift,
  ignoring,
  isFlux,
  isHook,
  isOnAdmission,
  isRelease,
  isSyncing,
  isWorkload,
  objectKey,
  trackedBy,
  unreadSubjects,
  valueOf,
  whereSet,
} from '../boundaries/index.ts';
import type { Drift, DriftQuestion, DriftSubject, Reading } from '../boundaries/index.ts';
import { getString, LandfallError, mapBounded } from '../kernel/index.ts';
import type { KubeObject, ObjectRef } from '../kube/index.ts';
import { findApplication, qualifiedName } from './application.ts';
import { renderSources } from './render-sources.ts';
import type { ApplicationSpec } from './application.ts';
import { placeRendered } from './gather.ts';
import { appliedBy } from './inventory.ts';
import type { Sources } from './question.ts';
import type { Material } from './judge.ts';
import { webhooksFor } from './webhooks.ts';

/** In what the cluster differs from Git, for one application. Plain JSON. */
export interface DriftReport {
  readonly application: string;
  readonly namespace: string;
  /** The tracked commit that everything is compared with. */
  readonly revision: string;
  /** What the delivery controller says; read, never believed. */
  readonly sync: string | undefined;
  readonly selfHeal: boolean;
  /** A commit can change what it asks for: live values can be accepted. */
  readonly fromGit: boolean;
  /** What nobody explains first, then what belongs to its writer by design. */
  readonly drifts: readonly Drift[];
  /** Objects whose drift is not known. */
  readonly unread: readonly { readonly object: string; readonly why: string }[];
}

const AT_ONCE = 6;

/** What delivers an application by itself, besides Landfall: names of field managers. */
const ARGO = /^(?:landfall|argocd-|gitops-engine$)/;
const FLUX = /^(?:landfall|kustomize-controller$|helm-controller$|helm$)/i;

/** The application that an object says it belongs to, where that is another one. */
function claimedBy(
  live: KubeObject | undefined,
  { object: application, argo }: ApplicationSpec,
): string | undefined {
  if (live === undefined) return undefined;
  const { name, namespace = '' } = application.metadata;
  const mark = trackedBy(live, argo?.settings.tracking);
  if (mark !== undefined && mark !== argo?.instance) return `Application ${mark}`;
  const labels = live.metadata.labels ?? {};
  const flux = labels['kustomize.toolkit.fluxcd.io/name'];
  const place = labels['kustomize.toolkit.fluxcd.io/namespace'] ?? '';
  if (flux === undefined || (isFlux(application) && flux === name && place === namespace)) return undefined;
  return `Kustomization ${place}/${flux}`;
}

/** Objects that the status names and Git does not, as they are stored, where they still carry the application's mark. */
async function leftOvers(
  sources: Sources,
  { object: application, argo }: ApplicationSpec,
  rendered: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  if (argo === undefined) return [];
  const listed = applicationStatus(application).resources.flatMap((item, index): readonly ObjectRef[] => {
    const version = getString(application, 'status', 'resources', index, 'version') ?? 'v1';
    const apiVersion = item.group === '' ? version : `${item.group}/${version}`;
    const ref = { apiVersion, kind: item.kind, name: item.name };
    return [item.namespace === '' ? ref : { ...ref, namespace: item.namespace }];
  });
  const gone = listed.filter(
    (ref) =>
      !rendered.has(
        objectKey({
          apiVersion: ref.apiVersion,
          kind: ref.kind,
          metadata: { name: ref.name, ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }) },
        }),
      ),
  );
  const found = await mapBounded(gone, AT_ONCE, (ref) =>
    attempt(() => sources.kube.get(ref, signal), signal),
  );
  return found.flatMap((reading) => {
    const live = valueOf(reading);
    if (live === undefined || isHook(live)) return [];
    return trackedBy(live, argo.settings.tracking) === argo.instance ? [live] : [];
  });
}

/** What the last successful sync applied, where that was another commit than the tracked one. */
async function appliedBefore(
  sources: Sources,
  spec: ApplicationSpec,
  tracked: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KubeObject> | undefined> {
  const { operation } = applicationStatus(spec.object);
  const revision = operation?.phase === 'Succeeded' ? operation.revision : '';
  if (revision === '' || revision === tracked) return undefined;
  const reading: Reading<ReadonlyMap<string, KubeObject>> = await attempt(async () => {
    const { set } = await renderSources(sources, spec, revision, signal);
    const placed = await placeRendered(sources.kube, appliedBy(spec, set.objects), spec.destination, signal);
    return new Map(placed.map(({ object }) => [objectKey(object), object]));
  }, signal);
  return valueOf(reading);
}

/** Whether nothing of the application was ever applied, as far as its status goes. */
function isNew(application: KubeObject): boolean {
  if (isFlux(application)) return getString(application, 'status', 'lastAppliedRevision') === undefined;
  const { history, operation } = applicationStatus(application);
  return history.length === 0 && operation?.phase !== 'Succeeded' && operation?.phase !== 'Running';
}

/** The same with the webhooks that may have done it, where something was done that names nobody. */
async function withWebhooks(
  sources: Sources,
  question: DriftQuestion,
  signal: AbortSignal,
): Promise<readonly Drift[]> {
  const drifts = decideDrift(question);
  const touched = new Set(drifts.filter(isOnAdmission).map(({ object }) => object));
  if (touched.size === 0) return drifts;
  const subjects = await mapBounded(question.subjects, AT_ONCE, async (subject) =>
    touched.has(`${subject.object.kind}/${subject.object.metadata.name}`)
      ? { ...subject, webhooks: await webhooksFor(sources.kube, subject.object, signal) }
      : subject,
  );
  return decideDrift({ ...question, subjects });
}

/**
 * Compares every field that Git asks for with what is stored, and says who wrote what differs. Throws when the tracked
 * commit could not be read or rendered: without it there is nothing to compare with.
 */
export async function findDrift(
  sources: Sources,
  material: Material,
  signal: AbortSignal,
): Promise<DriftReport> {
  const { subject, tracked } = material;
  const failure = material.render.state === 'broken' || material.render.state === 'unknown';
  if (tracked.state !== 'read' || failure) {
    const why = tracked.state === 'read' ? material.render.detail : tracked.why;
    throw new LandfallError(`What Git asks for in ${subject.name} is not known: ${why}`, {
      kind: 'unavailable',
      code: 'desired-unknown',
      object: subject.name,
      hint: `Mend that first: landfall prove ${subject.name}`,
    });
  }
  const spec = await findApplication(sources.kube, qualifiedName(subject), subject.namespace, signal);
  const policy = applicationSpec(spec.object).policy;
  const status = applicationStatus(spec.object);
  const unread = { state: 'unreadable' as const, why: 'not read', code: 'not-read' };
  const subjects = material.rendered.map((facts): DriftSubject => {
    const { object } = facts;
    const live = material.snapshot.objects.get(objectKey(object)) ?? unread;
    const scalers = material.snapshot.namespaces.get(object.metadata.namespace ?? '')?.autoscalers;
    const other = claimedBy(valueOf(live), spec);
    return {
      object,
      live,
      why: (path) => whereSet(facts, path),
      ...(facts.hidden === undefined ? {} : { hidden: facts.hidden }),
      autoscalers: isWorkload(object) ? autoscalersOf(object, valueOf(live), scalers) : [],
      ignored: ignoring(material.ignore ?? [], material.ignored),
      ...(other === undefined ? {} : { claimedBy: other }),
    };
  });
  const rendered = new Set(material.rendered.map(({ object }) => objectKey(object)));
  const left = material.elsewhere === true ? [] : await leftOvers(sources, spec, rendered, signal);
  const question = {
    subjects,
    leftOvers: left.map((live) => ({ live, prunes: policy.automated && policy.prune })),
    syncing: isSyncing(status),
    neverSynced: isNew(spec.object),
    applied: await appliedBefore(sources, spec, tracked.value.commit, signal),
    isOwn: (manager: string) => (isFlux(spec.object) || isRelease(spec.object) ? FLUX : ARGO).test(manager),
  };
  const drifts = await withWebhooks(sources, question, signal);
  return {
    application: subject.name,
    namespace: subject.namespace,
    revision: tracked.value.commit,
    sync: status.sync || undefined,
    selfHeal: policy.automated && policy.selfHeal,
    fromGit: spec.from.kind === 'git',
    drifts,
    unread: unreadSubjects(subjects),
  };
}
