import type { BoundaryReport } from '../boundaries/index.ts';
import type { Subject } from './findings/index.ts';
import type { Verdict } from './verdict.ts';

/** Where to look first when a delivery has not landed, and what not to do meanwhile. Plain JSON. */
export interface Triage {
  /** As people describe it. */
  readonly symptom: string;
  /** Which part of the path to the users it is about. */
  readonly area: string;
  /** The one look that decides most. */
  readonly check: { readonly text: string; readonly commands: readonly string[] };
  /** The shortcut that hides the cause or makes it worse, and why. */
  readonly avoid: string;
}

/** What a row may look at. */
export interface TriageCase {
  readonly subject: Subject;
  readonly verdict: Verdict;
  readonly reports: readonly BoundaryReport[];
  /** A workload of the application, as `deployment/payment-api`; undefined where it has none. */
  readonly workload: string | undefined;
  /** A Service of it. */
  readonly service: string | undefined;
}

type Row = (facts: TriageCase, report: BoundaryReport) => Triage | undefined;

function textOf(report: BoundaryReport): string {
  return [report.detail, ...report.claims.map((claim) => claim.value)].join('\n');
}

/** The words of Git servers, Argo CD and Flux for a credential that is wrong, missing or over. */
const CREDENTIALS =
  /authentication (?:required|failed|error)|invalid username or (?:password|token)|could not read (?:Username|Password)|terminal prompts disabled|permission denied \(publickey|HTTP (?:Basic: )?(?:Access denied|401|403)|returned error: 40[13]|unauthorized|token (?:is |has )?expired|refused the credentials/i;

const FORBIDDEN = /cannot (?<verb>\w+) resource "(?<resource>[^"]+)"/;
const WHO = /User "(?<user>[^"]+)"/;
const POLICY =
  /admission webhook|ValidatingAdmissionPolicy|violates PodSecurity|exceeded quota|must specify (?:limits|requests)|is forbidden: (?:maximum|minimum)|denied (?:the request|by policy)|being terminated/i;

const credentials: Row = ({ subject }, report) => {
  const readsGit =
    (report.boundary === 'sync' || report.boundary === 'intent') && CREDENTIALS.test(textOf(report));
  if (!readsGit) return undefined;
  return {
    symptom: 'The repository cannot be read: a credential is missing, wrong or over',
    area: 'Git source, access',
    check: {
      text: 'Ask the Git server with the credential that the controller has, and read what the controller says of it.',
      commands: [
        `git ls-remote ${subject.repository} ${subject.revision}`,
        `kubectl get secret -n ${subject.namespace} -l argocd.argoproj.io/secret-type=repository`,
        `kubectl get events -n ${subject.namespace} --sort-by=.lastTimestamp | tail -n 20`,
      ],
    },
    avoid: 'Rewriting manifests: nobody has read them, so nothing in them can be what stopped it.',
  };
};

const permission: Row = ({ subject }, report) => {
  if (report.boundary !== 'sync') return undefined;
  const text = textOf(report);
  const { verb, resource } = FORBIDDEN.exec(text)?.groups ?? {};
  if (verb === undefined || resource === undefined) return undefined;
  const user = WHO.exec(text)?.groups?.['user'];
  const as = user === undefined ? '' : ` --as ${user}`;
  return {
    symptom: `The delivery identity may not ${verb} ${resource}`,
    area: 'Controller, access',
    check: {
      text: 'Ask the API server whether that identity may do what it failed to do.',
      commands: [
        `kubectl auth can-i ${verb} ${resource}${as} -n ${subject.destination}`,
        `kubectl get rolebindings,clusterrolebindings -A -o wide | grep ${user?.split(':').at(-1) ?? 'NAME'}`,
      ],
    },
    avoid:
      'Applying the manifests with your own rights: it hides the missing permission until the next release.',
  };
};

const policy: Row = ({ subject }, report) => {
  if ((report.boundary !== 'sync' && report.boundary !== 'health') || !POLICY.test(textOf(report)))
    return undefined;
  return {
    symptom: 'A policy of the cluster or of the namespace refuses it',
    area: 'Policy of the namespace',
    check: {
      text: 'Read which policy refused which object, and what it asks for.',
      commands: [
        `kubectl get events -n ${subject.destination} --sort-by=.lastTimestamp | tail -n 20`,
        `kubectl describe resourcequota,limitrange -n ${subject.destination}`,
        `kubectl get namespace ${subject.destination} --show-labels`,
      ],
    },
    avoid:
      'Editing probes, images or selectors: the API server has refused the object before any of them mattered.',
  };
};

const path: Row = ({ subject }, report) =>
  report.reason === 'path-missing' ||
  report.reason === 'revision-missing' ||
  /app path does not exist/.test(textOf(report))
    ? {
        symptom: 'The controller cannot find the path or the revision',
        area: 'Git source or repository layout',
        check: {
          text: 'See whether the path is there at the tracked revision.',
          commands: [
            `git ls-remote ${subject.repository} ${subject.revision}`,
            `git ls-tree -d origin/${subject.revision} -- ${subject.path}`,
          ],
        },
        avoid:
          'Recreating workloads by hand: what runs is the release before, and says nothing about this one.',
      }
    : undefined;

const rendering: Row = ({ subject }, report) =>
  report.boundary === 'render'
    ? {
        symptom: 'The manifests cannot be rendered, or do not say what was meant',
        area: 'Helm or Kustomize input',
        check: {
          text: 'Render it here and go to the line that it names.',
          commands: [`landfall render ${subject.path}`, `landfall render ${subject.path} --diff HEAD~1`],
        },
        avoid: 'Restarting pods: none of this has been applied.',
      }
    : undefined;

const drift: Row = ({ subject }, report) =>
  report.boundary === 'live'
    ? {
        symptom: 'The cluster holds something else than Git asks for',
        area: 'Live state, drift',
        check: {
          text: 'See which field differs, and who wrote it.',
          commands: [`landfall drift ${subject.name}`],
        },
        avoid:
          'Another live patch: decide first whether Git or the cluster is right, then let one of them win.',
      }
    : undefined;

const oldRevision: Row = ({ subject, workload }, report) => {
  const behind =
    report.boundary === 'sync' || report.boundary === 'rollout' || report.reason === 'revision-not-tracked';
  if (!behind) return undefined;
  return {
    symptom: 'The old version still runs',
    area: 'Reconciliation or rollout state',
    check: {
      text: 'Compare the revision that the controller reconciled with the one in Git, then see which ReplicaSet runs.',
      commands: [
        `kubectl get application ${subject.name} -n ${subject.namespace} -o jsonpath='{.status.sync.revision}{"\\n"}'`,
        `git ls-remote ${subject.repository} ${subject.revision}`,
        ...(workload === undefined ? [] : [`kubectl rollout history ${workload} -n ${subject.destination}`]),
      ],
    },
    avoid: 'Assuming that git push completed the deployment: it only changed what is wanted.',
  };
};

const pods: Row = ({ subject, workload }, report) =>
  report.boundary === 'health'
    ? {
        symptom: 'Synced, but the pods do not work',
        area: 'Workload health',
        check: {
          text: 'Read what the pods say: events, the log before the last restart, probes, configuration.',
          commands: [
            `kubectl describe pods -n ${subject.destination}`,
            ...(workload === undefined
              ? []
              : [`kubectl logs ${workload} -n ${subject.destination} --previous`]),
          ],
        },
        avoid: 'Editing the Application first: the sync did what it was asked to do.',
      }
    : undefined;

const endpoints: Row = ({ subject, service }, report) =>
  report.boundary === 'traffic' &&
  service !== undefined &&
  /endpoints|selector|port-missing|foreign/.test(report.reason)
    ? {
        symptom: 'The Service leads nowhere, or to the wrong pods',
        area: 'Relationship between objects',
        check: {
          text: 'Compare the selector of the Service with the labels of the pods.',
          commands: [
            `kubectl get ${service} -n ${subject.destination} -o jsonpath='{.spec.selector}{"\\n"}'`,
            `kubectl get pods -n ${subject.destination} --show-labels`,
          ],
        },
        avoid: 'Rebuilding the repository or the image: one label or selector is wrong, in one line of Git.',
      }
    : undefined;

const users: Row = ({ subject }, report) =>
  report.boundary === 'traffic'
    ? {
        symptom: 'The pods are fine, and users do not get the release',
        area: 'User-facing behaviour',
        check: {
          text: 'See which version answers behind the Service.',
          commands: [`landfall trace ${subject.name} version`],
        },
        avoid: 'Scaling or restarting: it moves the symptom, and the evidence with it.',
      }
    : undefined;

const source: Row = ({ subject }, report) =>
  report.boundary === 'artifact' || report.boundary === 'intent'
    ? {
        symptom:
          report.boundary === 'artifact'
            ? 'The image is not there, or is not of that commit'
            : 'Git does not ask for the release',
        area: report.boundary === 'artifact' ? 'Build and registry' : 'Git intent',
        check: {
          text: 'Follow the image from the registry to Git.',
          commands: [`landfall trace ${subject.name} image`, `git log --oneline -n 5 -- ${subject.path}`],
        },
        avoid: 'Looking at pods: they run what Git asked for before.',
      }
    : undefined;

/** The first row that fits counts: what is special stands before what is general. */
const ROWS: readonly Row[] = [
  credentials,
  permission,
  policy,
  path,
  rendering,
  drift,
  pods,
  endpoints,
  users,
  oldRevision,
  source,
];

/**
 * The first useful check for a delivery that has not landed, at the boundary that the verdict names: Git before
 * rendering, rendering before the controller, the controller before pods, pods before users. Undefined when it landed.
 */
export function triageOf(facts: TriageCase): Triage | undefined {
  const report = facts.reports.find(({ boundary }) => boundary === facts.verdict.boundary);
  if (report === undefined || facts.verdict.state === 'landed') return undefined;
  for (const row of ROWS) {
    const found = row(facts, report);
    if (found !== undefined) return found;
  }
  return undefined;
}
