import {
  besideFacts,
  carriesPods,
  compileHealthRules,
  decideArtifact,
  decideHealth,
  decideIntent,
  decideLive,
  decideRollout,
  decideTraffic,
  ignoring,
  leadingImage,
  nodePlatforms,
  objectKey,
  releaseOf,
  routeFacts,
  valueOf,
  whereSet,
} from '../boundaries/index.ts';
import type {
  Asked,
  BoundaryReport,
  ClusterSnapshot,
  CommitBuild,
  ErrorBaseline,
  GovernedImage,
  HealthRule,
  IgnoreRule,
  JqFindings,
  ImageFacts,
  Observed,
  Reading,
  Release,
  RenderedFacts,
  RolloutSubject,
  ServiceFacts,
  TrackedRevision,
} from '../boundaries/index.ts';
import { objectName } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { behindServices } from './behind-services.ts';
import { tellCauses } from './causes.ts';
import { findFindings } from './findings/index.ts';
import type { Case, EngineStatus, Finding, Subject } from './findings/index.ts';
import { takingSimulated } from './simulated.ts';
import { triageOf } from './triage.ts';
import type { Triage } from './triage.ts';
import { decideVerdict, inOrder } from './verdict.ts';
import type { Verdict } from './verdict.ts';
import type { World } from './world/index.ts';

/** Everything that was read for one delivery. Plain data: the same material always gives the same proof. */
export interface Material {
  readonly subject: Subject;
  readonly engine: EngineStatus | undefined;
  readonly tracked: Reading<TrackedRevision>;
  readonly asked: Asked;
  /** The source commit that was asked for, where one was. */
  readonly wantedCommit: string | undefined;
  /** Images whose tags policies govern, and what those would choose now. */
  readonly governed?: readonly GovernedImage[];
  /** Builds of that commit, where somebody keeps them. */
  readonly builds?: readonly CommitBuild[];
  readonly render: BoundaryReport;
  readonly sync: BoundaryReport;
  readonly rendered: readonly RenderedFacts[];
  readonly images: readonly ImageFacts[];
  readonly snapshot: ClusterSnapshot;
  /** The snapshot is of another cluster than the one that holds the application. */
  readonly elsewhere?: boolean;
  readonly rollouts: readonly RolloutSubject[];
  readonly services: readonly ServiceFacts[];
  readonly observed: readonly Observed[];
  readonly baseline: Reading<ErrorBaseline> | undefined;
  readonly acceptSimulated: boolean;
  /** The Application's `ignoreDifferences`. */
  readonly ignore?: readonly IgnoreRule[];
  /** `health` of landfall.yaml. */
  readonly healthRules?: readonly HealthRule[];
  /** What their jq expressions name in the rendered objects. */
  readonly ignored?: JqFindings;
  /** What was read around it to explain it; left out where nobody asked why. */
  readonly world?: World;
  /** ISO 8601. */
  readonly at: string;
}

/** One delivery, judged. Plain JSON. */
export interface Proof {
  readonly subject: Subject;
  readonly release: Release;
  readonly verdict: Verdict;
  readonly boundaries: readonly BoundaryReport[];
  readonly findings: readonly Finding[];
  /** Where to look first; undefined when it landed. */
  readonly triage: Triage | undefined;
  readonly engine: EngineStatus | undefined;
  readonly cluster: string;
  /** Image that the delivery is about, without tag and digest. */
  readonly image: string | undefined;
  /** ISO 8601. */
  readonly at: string;
  readonly tookMs: number;
}

function withTime(facts: Omit<Case, 'verdict' | 'reports'>, reports: readonly BoundaryReport[]): Case {
  return { ...facts, reports, verdict: decideVerdict(reports) };
}

function podKey(pod: { readonly namespace: string; readonly name: string }): string {
  return `${pod.namespace}/${pod.name}`;
}

/** From what was read to the answer. Pure. */
export function judge(read: Material, tookMs: number): Proof {
  const material = read.acceptSimulated ? takingSimulated(read) : read;
  const { at, images, rendered, rollouts, snapshot } = material;
  const leading = leadingImage(images);
  const release = releaseOf(leading);
  const unread = { state: 'unreadable' as const, why: 'not read', code: 'not-read' };
  const lives = rendered.map((facts) => ({
    object: facts.object,
    live: snapshot.objects.get(objectKey(facts.object)) ?? unread,
    why: (path: readonly (string | number)[]) => whereSet(facts, path),
    ...(facts.hidden === undefined ? {} : { hidden: facts.hidden }),
    autoscaled: rollouts.find((subject) => subject.object === facts.object)?.autoscaled ?? false,
    ignored: ignoring(material.ignore ?? [], material.ignored),
  }));
  const rules = compileHealthRules(material.healthRules ?? []);
  const health = rendered.map(({ object }) => {
    const { events, jobs } = snapshot.namespaces.get(object.metadata.namespace ?? '') ?? {};
    const rollout = rollouts.find((subject) => subject.object === object);
    return {
      rules,
      object,
      live: snapshot.objects.get(objectKey(object)) ?? unread,
      pods: rollout?.pods,
      ...(rollout?.atRest === undefined ? {} : { atRest: rollout.atRest }),
      ...(events === undefined ? {} : { events }),
      ...(jobs === undefined ? {} : { jobs }),
    };
  });
  const pods = rollouts.map((subject) => valueOf(subject.pods));
  const raw = [
    decideArtifact(images, nodePlatforms(snapshot, rollouts), material.wantedCommit, material.builds),
    decideIntent(material.tracked, images, material.asked, at, material.governed),
    material.render,
    material.sync,
    decideLive(lives, leading?.reference, material.sync.state === 'moving', at),
    decideHealth(health, at),
    decideRollout(
      rollouts,
      at,
      { acceptSimulated: material.acceptSimulated },
      rendered.map(({ object }) => object).filter(carriesPods),
    ),
    decideTraffic(
      {
        services: material.services,
        routes: routeFacts(
          rendered.map(({ object }) => object),
          snapshot,
        ),
        expectedPods: new Set(pods.flatMap((found) => found?.current.map(podKey) ?? [])),
        pods: new Map(
          pods.flatMap((found) => found?.current.map((pod) => [podKey(pod), pod] as const) ?? []),
        ),
        now: Date.parse(at),
        oldPods: new Set(pods.flatMap((found) => found?.old.map(podKey) ?? [])),
        observed: material.observed,
        release,
        ...behindServices(material),
        baseline: material.baseline,
        runsPods: rollouts.some(({ object }) => object.kind !== 'Job' && object.kind !== 'CronJob'),
        podsKnown: pods.every((found) => found !== undefined),
        beside: besideFacts(snapshot),
        serving: {
          rendered: rendered.map(({ object }) => object),
          images,
          leading,
          where: (object, path) => {
            const facts = rendered.find((each) => each.object === object);
            return facts && whereSet(facts, path);
          },
        },
      },
      at,
    ),
  ];
  // Without rendered objects nothing behind them was looked at: no absence of objects may look like "nothing to prove".
  const seen = rendered.length > 0 ? raw : raw.map(unseenBehindRender);
  const boundaries = inOrder(tellCauses(seen, images, rollouts, lives));
  const facts = withTime(
    {
      subject: material.subject,
      at,
      images,
      lives,
      rollouts,
      observed: material.observed,
      engine: material.engine,
    },
    boundaries,
  );
  return {
    subject: material.subject,
    release,
    verdict: facts.verdict,
    boundaries,
    findings: findFindings(facts, material.world),
    triage: triageIn(material, facts),
    engine: material.engine,
    cluster: snapshot.server,
    image: leading?.repository,
    at,
    tookMs,
  };
}

/** `deployment/payment-api`, as commands name it. */
function nameOf(object: KubeObject | undefined): string | undefined {
  return object && `${object.kind.toLowerCase()}/${object.metadata.name}`;
}

/** Where to look first, at the workload, the Service and the namespace that the boundary in the verdict speaks of. */
function triageIn(material: Material, facts: Case): Triage | undefined {
  const { rollouts, services, rendered, subject } = material;
  const { verdict, reports } = facts;
  const detail = reports.find(({ boundary }) => boundary === verdict.boundary)?.detail ?? '';
  const objects = rendered.map(({ object }) => object);
  const named = objects.find((object) => detail.includes(objectName(object)));
  const workload = rollouts.find(
    ({ object, pods }) =>
      object === named || (valueOf(pods)?.current ?? []).some((pod) => detail.includes(pod.name)),
  )?.object;
  const service = services.find(({ object }) => object === named)?.object;
  const destination = (named ?? workload)?.metadata.namespace ?? subject.destination;
  return triageOf({
    subject: { ...subject, destination },
    verdict,
    reports,
    workload: nameOf(workload ?? rollouts[0]?.object),
    service: nameOf(service ?? services[0]?.object),
  });
}

function unseenBehindRender(report: BoundaryReport): BoundaryReport {
  if (report.state !== 'not-applicable' || report.boundary === 'intent') return report;
  return {
    ...report,
    state: 'unknown',
    reason: 'nothing-rendered',
    headline: 'not looked at',
    detail: 'without rendered manifests it is not known what to look for',
  };
}
