import type { BoundaryName } from '../boundaries/index.ts';

/** One row of the triage table: what people see, where to look first, and what not to do meanwhile. */
export interface Symptom {
  /** As people describe it. */
  readonly symptom: string;
  /** Which part of the path to the users it is about. */
  readonly area: string;
  readonly boundary: BoundaryName;
  /** The one look that decides most. */
  readonly check: string;
  /** That look as commands, with NAMES in capitals where a person fills in. */
  readonly commands: readonly string[];
  /** The shortcut that hides the cause or makes it worse, and why. */
  readonly avoid: string;
  /** Further words by which people ask for it. */
  readonly words: string;
}

function row(symptom: Symptom): Symptom {
  return symptom;
}

/** The triage table, kept once: a verdict is answered out of it, and so is a person who describes what they see. */
export const SYMPTOMS = {
  path: row({
    symptom: 'The controller cannot find the path or the revision',
    area: 'Git source or repository layout',
    boundary: 'intent',
    check: 'See whether the path is there at the tracked revision.',
    commands: ['git ls-remote REPOSITORY REVISION', 'git ls-tree -d origin/REVISION -- PATH'],
    avoid: 'Recreating workloads by hand: what runs is the release before, and says nothing about this one.',
    words: 'app path does not exist folder directory branch tag missing not found targetRevision',
  }),
  rendering: row({
    symptom: 'The manifests cannot be rendered, or do not say what was meant',
    area: 'Helm or Kustomize input',
    boundary: 'render',
    check: 'Render it here and go to the line that it names.',
    commands: ['landfall render DIR', 'landfall render DIR --diff HEAD~1'],
    avoid: 'Restarting pods: none of this has been applied.',
    words:
      'render failed template error kustomize build helm comparisonerror values overlay patch buildfailed',
  }),
  drift: row({
    symptom: 'The cluster holds something else than Git asks for',
    area: 'Live state, drift',
    boundary: 'live',
    check: 'See which field differs, and who wrote it.',
    commands: ['landfall drift APP'],
    avoid: 'Another live patch: decide first whether Git or the cluster is right, then let one of them win.',
    words: 'outofsync out of sync after manual patch edit scaled by hand differs changed self-heal reverted',
  }),
  pods: row({
    symptom: 'Synced, but the pods do not work',
    area: 'Workload health',
    boundary: 'health',
    check: 'Read what the pods say: events, the log before the last restart, probes, configuration.',
    commands: ['kubectl describe pods -n NAMESPACE', 'kubectl logs POD -n NAMESPACE --previous'],
    avoid: 'Editing the Application first: the sync did what it was asked to do.',
    words:
      'crash crashes crashing crashloopbackoff oomkilled not ready pending imagepullbackoff error restart restarting unhealthy degraded probe failing containercreating synced',
  }),
  progressive: row({
    symptom: 'A rollout is stuck in the middle of a canary or a blue-green switch',
    area: 'Progressive delivery controller',
    boundary: 'rollout',
    check: 'Read the Rollout and its analysis runs: the step, the pause and why, what was measured.',
    commands: ['kubectl describe rollout ROLLOUT -n NAMESPACE', 'kubectl get analysisruns -n NAMESPACE'],
    avoid: 'Scaling ReplicaSets by hand: the controller owns them and sets them back.',
    words:
      'stuck mid-canary canary bluegreen weight step paused suspended promote abort analysis progressive traffic shift',
  }),
  endpoints: row({
    symptom: 'The Service leads nowhere, or to the wrong pods',
    area: 'Relationship between objects',
    boundary: 'traffic',
    check: 'Compare the selector of the Service with the labels of the pods.',
    commands: [
      "kubectl get service SERVICE -n NAMESPACE -o jsonpath='{.spec.selector}'",
      'kubectl get pods -n NAMESPACE --show-labels',
    ],
    avoid: 'Rebuilding the repository or the image: one label or selector is wrong, in one line of Git.',
    words: 'service has no endpoints endpoint none selector labels 503 connection refused target port',
  }),
  oldRevision: row({
    symptom: 'The old version still runs',
    area: 'Reconciliation or rollout state',
    boundary: 'rollout',
    check:
      'Compare the revision that the controller reconciled with the one in Git, then see which ReplicaSet runs.',
    commands: [
      "kubectl get application APP -n argocd -o jsonpath='{.status.sync.revision}'",
      'git ls-remote REPOSITORY REVISION',
      'kubectl rollout history deployment/DEPLOYMENT -n NAMESPACE',
      'landfall trace APP image',
    ],
    avoid: 'Assuming that git push completed the deployment: it only changed what is wanted.',
    words:
      'old image still running previous release stale latest tag digest nothing changed no-op not deployed',
  }),
  credentials: row({
    symptom: 'The repository cannot be read: a credential is missing, wrong or over',
    area: 'Git source, access',
    boundary: 'sync',
    check:
      'Ask the Git server with the credential that the controller has, and read what the controller says of it.',
    commands: [
      'git ls-remote REPOSITORY REVISION',
      'kubectl get secret -n argocd -l argocd.argoproj.io/secret-type=repository',
      'kubectl get events -n argocd --sort-by=.lastTimestamp',
    ],
    avoid: 'Rewriting manifests: nobody has read them, so nothing in them can be what stopped it.',
    words:
      'authentication required token expired deploy key ssh clone fetch failed unauthorized 401 403 repository access',
  }),
  permission: row({
    symptom: 'The delivery identity lacks a permission',
    area: 'Controller, access',
    boundary: 'sync',
    check: 'Ask the API server whether that identity may do what it failed to do.',
    commands: ['kubectl auth can-i VERB RESOURCE --as USER -n NAMESPACE'],
    avoid:
      'Applying the manifests with your own rights: it hides the missing permission until the next release.',
    words:
      'forbidden cannot create patch resource rbac role rolebinding serviceaccount is forbidden user denied rights',
  }),
  policy: row({
    symptom: 'A policy of the cluster or of the namespace refuses it',
    area: 'Policy of the namespace',
    boundary: 'sync',
    check: 'Read which policy refused which object, and what it asks for.',
    commands: [
      'kubectl get events -n NAMESPACE --sort-by=.lastTimestamp',
      'kubectl describe resourcequota,limitrange -n NAMESPACE',
      'kubectl get namespace NAMESPACE --show-labels',
    ],
    avoid:
      'Editing probes, images or selectors: the API server has refused the object before any of them mattered.',
    words:
      'admission webhook denied quota exceeded limitrange podsecurity violates kyverno gatekeeper failedcreate',
  }),
  users: row({
    symptom: 'The pods are fine, and users do not get the release',
    area: 'User-facing behaviour',
    boundary: 'traffic',
    check: 'See which version answers behind the Service.',
    commands: ['landfall trace APP version'],
    avoid: 'Scaling or restarting: it moves the symptom, and the evidence with it.',
    words: 'users errors mixed behaviour ingress dns tls certificate cdn cache 502 504 timeout healthy but',
  }),
  missingImage: row({
    symptom: 'The image is not there, or is not of that commit',
    area: 'Build and registry',
    boundary: 'artifact',
    check: 'Follow the image from the registry to Git.',
    commands: ['landfall trace APP image', 'git log --oneline -n 5 -- PATH'],
    avoid: 'Looking at pods: they run what Git asked for before.',
    words: 'build failed manifest unknown image does not exist registry wrong commit ci push',
  }),
  noIntent: row({
    symptom: 'Git does not ask for the release',
    area: 'Git intent',
    boundary: 'intent',
    check: 'Follow the image from the registry to Git.',
    commands: ['landfall trace APP image', 'git log --oneline -n 5 -- PATH'],
    avoid: 'Looking at pods: they run what Git asked for before.',
    words: 'bump commit missing pull request not merged image updater automation did not commit',
  }),
} as const;

const PLAIN = new Set([
  'the',
  'a',
  'an',
  'is',
  'are',
  'of',
  'to',
  'and',
  'or',
  'in',
  'it',
  'my',
  'has',
  'have',
  'does',
  'do',
  'not',
  'but',
  'with',
  'for',
  'on',
  'after',
  'by',
  'at',
  'we',
  'i',
  'says',
  'was',
  'no',
]);

function wordsOf(text: string): readonly string[] {
  return (text.toLowerCase().match(/[a-z0-9]{2,}/g) ?? [])
    .filter((word) => !PLAIN.has(word))
    .map((word) => word.replace(/(?:ing|ed|es|s)$/, ''));
}

/** Rows that fit a description, nearest first; empty where no word of it is known. At most `most`. */
export function nearestSymptoms(description: string, most = 3): readonly Symptom[] {
  const asked = new Set(wordsOf(description.slice(0, 2_000)));
  const rows = Object.values(SYMPTOMS);
  const bags = rows.map((each) => new Set(wordsOf(`${each.symptom} ${each.words}`)));
  // A word that stands in few rows tells more than one that stands in many.
  const weight = (word: string) => 1 / Math.max(1, bags.filter((bag) => bag.has(word)).length);
  return rows
    .map((each, index) => ({
      each,
      score: [...asked].reduce((sum, word) => sum + (bags[index]?.has(word) === true ? weight(word) : 0), 0),
    }))
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score)
    .filter(({ score }, _index, [best]) => score >= (best?.score ?? 0) / 3)
    .slice(0, most)
    .map(({ each }) => each);
}
