import { shortDigest, shortReference, templateContainers, releaseOf } from '../../boundaries/index.ts';
import type { Claim, PodFacts, PullPolicy, RolloutSubject } from '../../boundaries/index.ts';
import { movedReferences } from '../causes.ts';
import type { MovedReference } from '../causes.ts';
import type { Case, Finding, Misleading } from './finding.ts';
import { pinCommands } from './look-up.ts';
import { groupName, percent, sampleName, shareOf, worstGroup } from '../../boundaries/index.ts';

/** Clocks of the cluster and of CI may differ by this much before their times mean anything. */
const TOLERANCE_MS = 5_000;

/**
 * How the old image came to stay:
 * `never-pulled` no pod was created since the push, so nothing asked the registry, whatever the pull policy;
 * `cached` pods were created since and took the copy that their node had;
 * `undecided` the push time is not known, or the pods stand on both sides of it.
 */
export type Mechanism = 'never-pulled' | 'cached' | 'undecided';

function podsOf(subject: RolloutSubject): readonly PodFacts[] {
  return subject.pods.state === 'read' ? subject.pods.value.current.filter((pod) => !pod.terminating) : [];
}

export function mechanismOf(
  pods: readonly PodFacts[],
  pushedAt: string | undefined,
  policy: PullPolicy | undefined,
): Mechanism {
  const pushed = Date.parse(pushedAt ?? '');
  const created = pods.map((pod) => Date.parse(pod.createdAt));
  if (Number.isNaN(pushed) || created.length === 0 || created.some(Number.isNaN)) return 'undecided';
  if (created.every((time) => time < pushed - TOLERANCE_MS)) return 'never-pulled';
  if (created.every((time) => time > pushed + TOLERANCE_MS) && policy !== 'Always') return 'cached';
  return 'undecided';
}

function explain(
  moved: MovedReference,
  mechanism: Mechanism,
  policy: PullPolicy | undefined,
  pushedAt: string | undefined,
): string[] {
  const { image, answered, running } = moved;
  const where = image.origin === undefined ? '' : ` (${image.origin.file}:${image.origin.line})`;
  const old = running.map(shortDigest).join(', ');
  const lines = [
    `Git asks for ${shortReference(image.reference)}${where}. The registry answers ${shortDigest(answered)} for it; the pods run ${old}.`,
    `The push changed the registry and nothing else: the manifest in Git is the same before and after, so no controller could see a release.`,
  ];
  const stored = policy === undefined ? 'unknown' : policy;
  if (mechanism === 'never-pulled') {
    lines.push(
      `Every pod was created before the push${pushedAt === undefined ? '' : ` (${pushedAt})`}. The pod template never changed, so no pod was created since and nothing pulled, whatever the pull policy (stored: ${stored}).`,
    );
  } else if (mechanism === 'cached') {
    lines.push(
      `The pods were created after the push${pushedAt === undefined ? '' : ` (${pushedAt})`} and still run the old image: with imagePullPolicy ${stored} the node takes the copy that it has under that name and does not ask the registry.`,
    );
  } else {
    lines.push(
      'Two mechanisms lead to this picture: no pod was created since the push (then nothing pulled, whatever the policy), or pods were created and took the copy that their node had (imagePullPolicy IfNotPresent).',
      `Which one it was is decided by the creation time of the pods against the time of the push: ${pushedAt === undefined ? 'the push time is not recorded' : 'here they do not decide'}.`,
    );
  }
  return lines;
}

/** Label values by which an application says that something did not work as meant. */
const AMISS =
  /^(?:not_?found|missing|miss|fallback|failed|failure|error|timeout|rejected|denied|unavailable)$/i;

/** What it means for users, as far as the running version tells: its version, what fails, what it does not know. */
function impact(facts: Case): string[] {
  const lines: string[] = [];
  for (const { observation, buildInfo, errors, samples } of facts.observed) {
    const running =
      buildInfo?.state === 'read'
        ? [...new Set(buildInfo.value.flatMap((info) => info.version ?? []))].join(', ')
        : '';
    const bad =
      errors?.state === 'read'
        ? worstGroup(errors.value, observation.errors?.minimumSamples ?? 1)
        : undefined;
    if (running !== '')
      lines.push(
        `Users meet ${running}${bad === undefined ? '' : `, where ${groupName(bad.group)} fails ${percent(shareOf(bad))} (${bad.failed} of ${bad.total})`}.`,
      );
    const amiss = samples.filter(
      (sample) =>
        sample.name !== observation.errors?.metric &&
        sample.value > 0 &&
        Object.values(sample.labels).some((value) => AMISS.test(value)),
    );
    for (const sample of amiss.slice(0, 3)) {
      lines.push(
        `It counts ${sampleName(sample)} ${sample.value} times; the version that runs may not know what it asks for.`,
      );
    }
  }
  return lines;
}

function restartSentence(policy: PullPolicy | undefined): string {
  if (policy === 'Always')
    return 'kubectl rollout restart would pull now, because the stored policy is Always; the next push would need it again.';
  if (policy === undefined)
    return 'kubectl rollout restart helps only where the stored pull policy is Always or the node has no copy.';
  return `kubectl rollout restart would not mend it: with ${policy} a new pod takes the copy that its node already has. It helps only on a node without one.`;
}

function misleadingSignals(facts: Case, moved: MovedReference): Misleading[] {
  const found: Misleading[] = [];
  const engine = facts.engine;
  const named = engine?.engine ?? 'the controller';
  if (engine?.sync === 'Synced') {
    found.push({
      signal: `${named}: Synced`,
      truth: `the manifest in Git equals the manifest in the cluster; both say ${shortReference(moved.image.reference)}`,
    });
  }
  if (engine?.health === 'Healthy') found.push({ signal: `${named}: Healthy`, truth: 'the old version is' });
  const operation = engine?.operation;
  if (operation?.phase === 'Succeeded' && operation.changed === 0) {
    found.push({
      signal: `Sync succeeded, ${operation.changed} updated, ${operation.unchanged} unchanged`,
      truth: 'a sync that changes nothing deploys nothing',
    });
  }
  const ready = podsOf(moved.subject).filter((pod) => pod.ready).length;
  if (ready > 0)
    found.push({ signal: `${ready}/${podsOf(moved.subject).length} ready`, truth: 'of the old image' });
  for (const { observation, errors } of facts.observed) {
    if (errors?.state !== 'read' || observation.errors === undefined) continue;
    const total = errors.value.find((share) => share.group === '');
    const bad = worstGroup(errors.value, observation.errors.minimumSamples ?? 1);
    if (total !== undefined && bad !== undefined && bad.group !== '' && shareOf(bad) > 1.5 * shareOf(total)) {
      found.push({
        signal: `${percent(shareOf(total))} of all requests fail`,
        truth: `the total hides ${groupName(bad.group)}, which fails ${percent(shareOf(bad))}`,
      });
    }
  }
  return found;
}

function evidence(facts: Case, moved: MovedReference): Claim[] {
  const all = facts.reports.flatMap((report) => report.claims);
  const podNames = new Set(podsOf(moved.subject).map((pod) => pod.name));
  return all.filter((claim) => {
    if (claim.subject === moved.image.reference)
      return ['digest', 'version', 'commit', 'pushedAt'].includes(claim.attribute);
    if (claim.boundary === 'intent' && claim.attribute === 'image')
      return claim.value === moved.image.reference;
    if (claim.boundary === 'live') return claim.attribute === 'imagePullPolicy';
    if (claim.boundary === 'rollout') return podNames.has(claim.subject.split('/')[2] ?? '');
    return claim.boundary === 'traffic' && ['version', 'commit', 'errors'].includes(claim.attribute);
  });
}

/**
 * A tag was pushed again and nothing in Git changed: the deploy was a no-op. Sources: Kubernetes "Images" (pull
 * policies), argoproj/argo-cd#5390 and #6445. The stored pull policy is read, never assumed: for `:latest` an omitted
 * policy means Always, so IfNotPresent has been written by somebody.
 */
export function movedReferenceRule(facts: Case): Finding | undefined {
  const moved = movedReferences(facts.images, facts.rollouts)[0];
  if (moved === undefined) return undefined;
  const { image, answered, subject } = moved;
  const live = subject.live.state === 'read' ? subject.live.value : subject.object;
  const container = templateContainers(live).find((item) => item.image === image.reference);
  const policy = container?.pullPolicy;
  const release = releaseOf(image);
  const mechanism = mechanismOf(podsOf(subject), release.pushedAt, policy);
  const tag = image.tag !== undefined && image.tag !== 'latest' ? image.tag : release.version;
  const pinned = `${image.repository}${tag === undefined ? '' : `:${tag}`}@${answered}`;
  const { destination } = facts.subject;
  const workload = `${live.kind.toLowerCase()}/${live.metadata.name}`;
  const name = container?.name ?? '';
  return {
    id: 'mutable-reference-moved',
    boundary: 'intent',
    kind: 'cause',
    title: `${shortReference(image.reference)} was pushed again; the deploy changed nothing`,
    confidence: mechanism === 'undecided' ? 0.9 : 0.98,
    explanation: [...explain(moved, mechanism, policy, release.pushedAt), ...impact(facts)],
    claims: evidence(facts, moved),
    misleading: misleadingSignals(facts, moved),
    immediateFix: {
      text: `Pin what was pushed, tag and digest, in Git and let it sync. The digest changes the pod template, so pods are created, and no cached copy can stand in for it. ${restartSentence(policy)}`,
      commands: [
        ...pinCommands(facts.subject, image.repository, pinned),
        `git commit -am "Deploy ${release.version ?? shortDigest(answered)}" && git push`,
        `landfall prove ${facts.subject.name} --wait 5m`,
      ],
    },
    durableFix: {
      text: 'Let CI commit an immutable tag and its digest for every build, make tags immutable in the registry, and let the pipeline end with the proof instead of the push. A pull policy of Always is no substitute: it pulls only when a pod starts.',
      commands: [`landfall prove ${facts.subject.name} --image ${pinned} --wait 10m`],
    },
    verify: [
      `kubectl rollout status ${workload} -n ${destination}`,
      `kubectl get pods -n ${destination} -o custom-columns='POD:.metadata.name,CREATED:.metadata.creationTimestamp,IMAGE:.status.containerStatuses[?(@.name=="${name}")].imageID'`,
      `kubectl get ${workload} -n ${destination} -o jsonpath='{.spec.template.spec.containers[?(@.name=="${name}")].imagePullPolicy}'`,
      `landfall trace ${facts.subject.name} image`,
    ],
  };
}
