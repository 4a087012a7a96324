import type { BoundaryReport } from '../boundaries/index.ts';
import { historyCommands, kindOf, renderCommands, sourceCommands } from './findings/index.ts';
import type { Subject } from './findings/index.ts';
import { SYMPTOMS } from './symptoms.ts';
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

/** Where a controller writes what it delivered last. */
function revisionPath({ kind }: Subject): string {
  if (kind === 'Kustomization') return '{.status.lastAppliedRevision}';
  return kind === 'HelmRelease' ? '{.status.history[0].chartVersion}' : '{.status.sync.revision}';
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
    symptom: SYMPTOMS.credentials.symptom,
    area: SYMPTOMS.credentials.area,
    check: {
      text: SYMPTOMS.credentials.check,
      commands: [
        ...sourceCommands(subject),
        subject.kind === undefined || subject.kind === 'Application'
          ? `kubectl get secret -n ${subject.namespace} -l argocd.argoproj.io/secret-type=repository`
          : `kubectl get secret -n ${subject.namespace}`,
        `kubectl get events -n ${subject.namespace} --sort-by=.lastTimestamp | tail -n 20`,
      ],
    },
    avoid: SYMPTOMS.credentials.avoid,
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
    area: SYMPTOMS.permission.area,
    check: {
      text: SYMPTOMS.permission.check,
      commands: [
        `kubectl auth can-i ${verb} ${resource}${as} -n ${subject.destination}`,
        `kubectl get rolebindings,clusterrolebindings -A -o wide | grep ${user?.split(':').at(-1) ?? 'NAME'}`,
      ],
    },
    avoid: SYMPTOMS.permission.avoid,
  };
};

const policy: Row = ({ subject }, report) => {
  if ((report.boundary !== 'sync' && report.boundary !== 'health') || !POLICY.test(textOf(report)))
    return undefined;
  return {
    symptom: SYMPTOMS.policy.symptom,
    area: SYMPTOMS.policy.area,
    check: {
      text: SYMPTOMS.policy.check,
      commands: [
        `kubectl get events -n ${subject.destination} --sort-by=.lastTimestamp | tail -n 20`,
        `kubectl describe resourcequota,limitrange -n ${subject.destination}`,
        `kubectl get namespace ${subject.destination} --show-labels`,
      ],
    },
    avoid: SYMPTOMS.policy.avoid,
  };
};

const path: Row = ({ subject }, report) =>
  report.reason === 'path-missing' ||
  report.reason === 'revision-missing' ||
  /app path does not exist/.test(textOf(report))
    ? {
        symptom: SYMPTOMS.path.symptom,
        area: SYMPTOMS.path.area,
        check: {
          text: SYMPTOMS.path.check,
          commands: [
            ...sourceCommands(subject),
            ...((subject.from ?? 'git') === 'git'
              ? [`git ls-tree -d origin/${subject.revision} -- ${subject.path}`]
              : []),
          ],
        },
        avoid: SYMPTOMS.path.avoid,
      }
    : undefined;

const rendering: Row = ({ subject }, report) =>
  report.boundary === 'render'
    ? {
        symptom: SYMPTOMS.rendering.symptom,
        area: SYMPTOMS.rendering.area,
        check: {
          text: SYMPTOMS.rendering.check,
          commands:
            (subject.from ?? 'git') === 'git'
              ? [`landfall render ${subject.path}`, `landfall render ${subject.path} --diff HEAD~1`]
              : renderCommands(subject),
        },
        avoid: SYMPTOMS.rendering.avoid,
      }
    : undefined;

const drift: Row = ({ subject }, report) =>
  report.boundary === 'live'
    ? {
        symptom: SYMPTOMS.drift.symptom,
        area: SYMPTOMS.drift.area,
        check: {
          text: SYMPTOMS.drift.check,
          commands:
            report.reason === 'image-ignored'
              ? [
                  `kubectl get ${kindOf(subject)} ${subject.name} -n ${subject.namespace} -o jsonpath='{.spec.ignoreDifferences}{"\\n"}'`,
                  `landfall trace ${subject.name} image`,
                ]
              : [`landfall drift ${subject.name}`],
        },
        avoid: SYMPTOMS.drift.avoid,
      }
    : undefined;

const oldRevision: Row = ({ subject, workload }, report) => {
  const behind =
    report.boundary === 'sync' || report.boundary === 'rollout' || report.reason === 'revision-not-tracked';
  if (!behind) return undefined;
  return {
    symptom: SYMPTOMS.oldRevision.symptom,
    area: SYMPTOMS.oldRevision.area,
    check: {
      text: SYMPTOMS.oldRevision.check,
      commands: [
        `kubectl get ${kindOf(subject)} ${subject.name} -n ${subject.namespace} -o jsonpath='${revisionPath(subject)}{"\\n"}'`,
        ...sourceCommands(subject).filter((command) => !command.startsWith('kubectl')),
        ...(workload === undefined ? [] : [`kubectl rollout history ${workload} -n ${subject.destination}`]),
      ],
    },
    avoid: SYMPTOMS.oldRevision.avoid,
  };
};

const pods: Row = ({ subject, workload }, report) =>
  report.boundary === 'health'
    ? {
        symptom: SYMPTOMS.pods.symptom,
        area: SYMPTOMS.pods.area,
        check: {
          text: SYMPTOMS.pods.check,
          commands: [
            `kubectl describe pods -n ${subject.destination}`,
            ...(workload === undefined
              ? []
              : [`kubectl logs ${workload} -n ${subject.destination} --previous`]),
          ],
        },
        avoid: SYMPTOMS.pods.avoid,
      }
    : undefined;

const endpoints: Row = ({ subject, service }, report) =>
  report.boundary === 'traffic' &&
  service !== undefined &&
  /endpoints|selector|port-missing|foreign/.test(report.reason)
    ? {
        symptom: SYMPTOMS.endpoints.symptom,
        area: SYMPTOMS.endpoints.area,
        check: {
          text: SYMPTOMS.endpoints.check,
          commands: [
            `kubectl get ${service} -n ${subject.destination} -o jsonpath='{.spec.selector}{"\\n"}'`,
            `kubectl get pods -n ${subject.destination} --show-labels`,
          ],
        },
        avoid: SYMPTOMS.endpoints.avoid,
      }
    : undefined;

const users: Row = ({ subject }, report) =>
  report.boundary === 'traffic'
    ? {
        symptom: SYMPTOMS.users.symptom,
        area: SYMPTOMS.users.area,
        check: {
          text: SYMPTOMS.users.check,
          commands: [`landfall trace ${subject.name} version`],
        },
        avoid: SYMPTOMS.users.avoid,
      }
    : undefined;

const source: Row = ({ subject }, report) => {
  if (report.boundary !== 'artifact' && report.boundary !== 'intent') return undefined;
  const { symptom, area, check, avoid } =
    report.boundary === 'artifact' ? SYMPTOMS.missingImage : SYMPTOMS.noIntent;
  return {
    symptom,
    area,
    check: {
      text: check,
      commands: [`landfall trace ${subject.name} image`, ...historyCommands(subject)],
    },
    avoid,
  };
};

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
