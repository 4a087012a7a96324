import type { BoundaryName, Claim, ClaimSource } from '../boundaries/index.ts';
import { getArray, getIn, getNumber, getObject, getString, isJsonObject } from '../kernel/index.ts';
import type { AnswerFact, EngineFact, EventFact, World, WorldObject } from '../verdict/index.ts';
import { isOver } from './attribute.ts';
import { parseCommand } from './read/command.ts';
import { subjectOf, WORKLOADS, workloadOf } from './trace.ts';

/** Something that is not as it should be, in the words of whoever said it; no cause yet. */
export interface Trouble {
  readonly boundary: BoundaryName;
  readonly subject: string;
  /** Stable, kebab-case. */
  readonly reason: string;
  readonly title: string;
  readonly claims: readonly Claim[];
  /** `hard`: the state as it is now contradicts a working system. `soft`: a sign that may be past or harmless. */
  readonly weight: 'hard' | 'soft' | 'moving';
  readonly check: string;
}

const LONG = 240;

export function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > LONG ? `${line.slice(0, LONG)}…` : line;
}

export function claimOf(
  boundary: BoundaryName,
  subject: string,
  attribute: string,
  value: string,
  source: ClaimSource,
): Claim {
  return { boundary, subject, attribute, value: oneLine(value), source, at: '' };
}

function inSpace(namespace: string | undefined): string {
  return namespace === undefined ? '' : ` -n ${namespace}`;
}

/** The loudest of the last lines that a pod wrote: what it says before it ends. */
function lastWords(world: World, pod: WorldObject): World['logs'][number] | undefined {
  const own = world.logs.filter(
    ({ component }) =>
      component !== undefined &&
      (component === pod.name || (component.length > 2 && pod.name.startsWith(`${component}-`))),
  );
  const ended = own.some(({ previous }) => previous) ? own.filter(({ previous }) => previous) : own;
  const tail = ended.slice(-40).toReversed();
  return (
    tail.find(({ level }) => level === 'fatal') ??
    tail.find(
      ({ level, message }) =>
        level === 'error' || /\b(?:Error|Exception|panic|fatal|failed|cannot|refused|denied)\b/.test(message),
    ) ??
    tail[0]
  );
}

const STARTING = /^(?:ContainerCreating|PodInitializing)$/;

function podTroubles(world: World): readonly Trouble[] {
  return world.live.flatMap((pod): readonly Trouble[] => {
    if (pod.kind !== 'Pod' || getIn(pod.value, 'metadata', 'deletionTimestamp') !== undefined) return [];
    const phase = getString(pod.value, 'status', 'phase');
    const subject = subjectOf(pod);
    const check = `kubectl describe pod ${pod.name}${inSpace(pod.namespace)}`;
    const statuses = ['initContainerStatuses', 'containerStatuses'].flatMap((list) =>
      getArray(pod.value, 'status', list).map((status, index) => ({
        status,
        path: ['status', list, index] as const,
      })),
    );
    const found: Trouble[] = [];
    for (const { status, path } of statuses) {
      const name = getString(status, 'name');
      const waiting = getObject(status, 'state', 'waiting');
      const ended = getObject(status, 'state', 'terminated') ?? getObject(status, 'lastState', 'terminated');
      const reason =
        getString(waiting, 'reason') ?? getString(getObject(status, 'state', 'terminated'), 'reason');
      if (reason === undefined || reason === 'Completed') continue;
      const words = [
        reason,
        getString(waiting, 'message'),
        ended === undefined
          ? undefined
          : [
              getString(ended, 'reason'),
              getNumber(ended, 'exitCode') === undefined
                ? undefined
                : `exit code ${getNumber(ended, 'exitCode') ?? ''}`,
              getString(ended, 'message'),
            ]
              .filter(Boolean)
              .join(', '),
      ].filter((part) => part !== undefined && part !== '');
      const last = /CrashLoop|Error|OOM/.test(reason) ? lastWords(world, pod) : undefined;
      if (last !== undefined) words.push(`its log says ${oneLine(last.message)}`);
      found.push({
        boundary: 'health',
        subject,
        reason: `pod-${reason.toLowerCase()}`,
        title: `${name === undefined ? 'A container' : `Container ${name}`} of ${subject} is in ${words.join(': ')}`,
        claims: [
          claimOf(
            'health',
            subject,
            name === undefined ? 'state' : `container ${name}`,
            words.join(': '),
            pod.cite(path),
          ),
          ...(last === undefined ? [] : [claimOf('health', subject, 'log', last.message, last.source)]),
        ],
        weight: STARTING.test(reason) ? 'moving' : 'hard',
        check: /CrashLoop|Error|OOM/.test(reason)
          ? `kubectl logs ${pod.name}${inSpace(pod.namespace)}${name === undefined ? '' : ` -c ${name}`} --previous`
          : check,
      });
    }
    if (found.length > 0) return found;
    if (phase === 'Pending' || phase === 'Failed' || phase === 'Unknown') {
      const said = getArray(pod.value, 'status', 'conditions').flatMap((condition) =>
        getString(condition, 'status') === 'False' ? (getString(condition, 'message') ?? []) : [],
      )[0];
      const event = world.events.find(
        (each) => each.type === 'Warning' && each.object.endsWith(`/${pod.name}`),
      );
      const why = said ?? event?.message ?? getString(pod.value, 'status', 'message') ?? '';
      return [
        {
          boundary: 'health',
          subject,
          reason: `pod-${phase.toLowerCase()}`,
          title: `${subject} is ${phase}${why === '' ? '' : `: ${oneLine(why)}`}`,
          claims: [
            claimOf('health', subject, 'phase', phase, pod.cite(['status', 'phase'])),
            ...(event === undefined
              ? []
              : [claimOf('health', subject, `event ${event.reason}`, event.message, event.source)]),
          ],
          weight: phase === 'Pending' && why === '' ? 'moving' : 'hard',
          check,
        },
      ];
    }
    const unready = statuses.filter(
      ({ status, path }) =>
        path[1] === 'containerStatuses' && isJsonObject(status) && status['ready'] === false,
    );
    const [first] = unready;
    if (first !== undefined && phase === 'Running')
      return [
        {
          boundary: 'health',
          subject,
          reason: 'pod-not-ready',
          title: `${subject} runs and is not ready`,
          claims: [claimOf('health', subject, 'ready', 'false', pod.cite([...first.path, 'ready']))],
          weight: 'hard',
          check,
        },
      ];
    return [];
  });
}

function workloadTroubles(world: World): readonly Trouble[] {
  return world.live.flatMap((object): readonly Trouble[] => {
    if (!WORKLOADS.has(object.kind)) return [];
    const subject = subjectOf(object);
    const { value } = object;
    const wanted =
      getNumber(value, 'spec', 'replicas') ?? getNumber(value, 'status', 'desiredNumberScheduled');
    const ready =
      getNumber(value, 'status', 'readyReplicas') ??
      getNumber(value, 'status', 'numberReady') ??
      (object.whole && wanted !== undefined && getObject(value, 'status') !== undefined ? 0 : undefined);
    const updated =
      getNumber(value, 'status', 'updatedReplicas') ?? getNumber(value, 'status', 'updatedNumberScheduled');
    const check = `kubectl describe ${object.kind.toLowerCase()} ${object.name}${inSpace(object.namespace)}`;
    const conditions = getArray(value, 'status', 'conditions');
    const failing = conditions.find((condition) => {
      const type = getString(condition, 'type');
      const status = getString(condition, 'status');
      return (
        (type === 'ReplicaFailure' && status === 'True') || (type === 'Progressing' && status === 'False')
      );
    });
    if (failing !== undefined) {
      const said = [getString(failing, 'reason'), getString(failing, 'message')]
        .filter((part) => part !== undefined)
        .join(': ');
      const stuck = getString(failing, 'type') === 'Progressing';
      return [
        {
          boundary: stuck ? 'rollout' : 'health',
          subject,
          reason: stuck ? 'rollout-stuck' : 'replicas-refused',
          title: `${subject}: ${oneLine(said)}`,
          claims: [
            claimOf(
              stuck ? 'rollout' : 'health',
              subject,
              `condition ${getString(failing, 'type') ?? ''}`,
              said,
              object.cite(['status', 'conditions', conditions.indexOf(failing)]),
            ),
          ],
          weight: 'hard',
          check,
        },
      ];
    }
    if (wanted !== undefined && ready !== undefined && ready < wanted) {
      const moving = conditions.some(
        (condition) =>
          getString(condition, 'type') === 'Progressing' &&
          getString(condition, 'reason') === 'ReplicaSetUpdated',
      );
      return [
        {
          boundary: 'health',
          subject,
          reason: 'replicas-missing',
          title: `${subject} has ${ready} of ${wanted} replicas ready`,
          claims: [
            claimOf(
              'health',
              subject,
              'readyReplicas',
              `${ready} of ${wanted}`,
              object.cite(['status', 'readyReplicas']),
            ),
          ],
          weight: moving && ready > 0 ? 'moving' : 'hard',
          check,
        },
      ];
    }
    if (wanted !== undefined && updated !== undefined && updated < wanted)
      return [
        {
          boundary: 'rollout',
          subject,
          reason: 'not-updated',
          title: `${subject} has ${updated} of ${wanted} replicas of the new revision`,
          claims: [
            claimOf(
              'rollout',
              subject,
              'updatedReplicas',
              `${updated} of ${wanted}`,
              object.cite(['status', 'updatedReplicas']),
            ),
          ],
          weight: 'moving',
          check: `kubectl rollout status ${object.kind.toLowerCase()}/${object.name}${inSpace(object.namespace)}`,
        },
      ];
    return [];
  });
}

const NEGATIVE =
  /^(?:Stalled|Degraded|Failed|FailureTarget|ReplicaFailure|.*(?:Pressure|Unavailable|Error|Warning)|InvalidSpec|Disrupted|ScalingLimited)$/;
const PLAIN = new Set([
  'Pod',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Rollout',
  'Namespace',
  'Application',
  'Event',
  'AnalysisRun',
  'Experiment',
  'Canary',
]);
const OF_ENGINES =
  /^(?:Kustomization|HelmRelease|GitRepository|HelmRepository|OCIRepository|HelmChart|Bucket|ImagePolicy|ImageRepository|ImageUpdateAutomation)$/;

/** Conditions of everything else: certificates, claims, nodes, scalers, custom resources. */
function conditionTroubles(world: World): readonly Trouble[] {
  return world.live.flatMap((object): readonly Trouble[] => {
    if (PLAIN.has(object.kind) || OF_ENGINES.test(object.kind)) return [];
    const subject = subjectOf(object);
    const phase = getString(object.value, 'status', 'phase');
    const stuck = phase !== undefined && /^(?:Pending|Lost|Failed|Error|Degraded)$/.test(phase);
    const bad = getArray(object.value, 'status', 'conditions').flatMap((condition, index) => {
      const type = getString(condition, 'type') ?? '';
      const status = getString(condition, 'status');
      const wrong = NEGATIVE.test(type)
        ? status === 'True'
        : status === 'False' &&
          /^(?:Ready|Available|Synced|Established|Healthy|Succeeded|Complete|Accepted|Programmed|ResolvedRefs|ScalingActive|AbleToScale)$/.test(
            type,
          );
      if (!wrong || type === 'ScalingLimited') return [];
      const said = [getString(condition, 'reason'), getString(condition, 'message')]
        .filter((part) => part !== undefined && part !== '')
        .join(': ');
      return [{ type, status: status ?? '', said, index }];
    });
    const [first] = bad;
    if (first === undefined && !stuck) return [];
    const title =
      first === undefined
        ? `${subject} is ${phase ?? ''}`
        : `${subject} is ${first.status === 'False' ? 'not ' : ''}${first.type}${first.said === '' ? '' : `: ${oneLine(first.said)}`}`;
    return [
      {
        boundary: /Ingress|Gateway|Route|Service|Certificate/.test(object.kind) ? 'traffic' : 'health',
        subject,
        reason: `${object.kind.toLowerCase()}-not-ready`,
        title,
        claims:
          first === undefined
            ? [claimOf('health', subject, 'phase', phase ?? '', object.cite(['status', 'phase']))]
            : bad.map((each) =>
                claimOf(
                  'health',
                  subject,
                  `condition ${each.type}`,
                  `${each.status} ${each.said}`.trim(),
                  object.cite(['status', 'conditions', each.index]),
                ),
              ),
        weight: 'hard',
        check: `kubectl describe ${object.kind.toLowerCase()} ${object.name}${inSpace(object.namespace)}`,
      },
    ];
  });
}

function serviceTroubles(world: World): readonly Trouble[] {
  return world.live.flatMap((object): readonly Trouble[] => {
    if (object.kind !== 'Endpoints' && object.kind !== 'EndpointSlice') return [];
    const subsets = object.value['subsets'];
    const endpoints = object.value['endpoints'];
    const list = Array.isArray(subsets) ? subsets : Array.isArray(endpoints) ? endpoints : undefined;
    if (list === undefined) return [];
    const any = list.some(
      (each) => getArray(each, 'addresses').length > 0 && getIn(each, 'conditions', 'ready') !== false,
    );
    if (any) return [];
    const service =
      getString(object.value, 'metadata', 'labels', 'kubernetes.io/service-name') ??
      object.name.replace(object.kind === 'EndpointSlice' ? /-[a-z0-9]{5}$/ : /$^/, '');
    return [
      {
        boundary: 'traffic',
        subject: subjectOf({ kind: 'Service', namespace: object.namespace, name: service }),
        reason: 'no-endpoints',
        title: `Service ${service} has no ready endpoint`,
        claims: [claimOf('traffic', subjectOf(object), 'endpoints', 'none', object.cite(['subsets']))],
        weight: 'hard',
        check: `kubectl get pods${inSpace(object.namespace)} --show-labels; kubectl get service ${service}${inSpace(object.namespace)} -o wide`,
      },
    ];
  });
}

function engineTrouble(engine: EngineFact): Trouble | undefined {
  const { application, sync, health, messages, operation } = engine;
  const said =
    messages.filter((text) =>
      /fail|error|denied|forbidden|not found|unable|invalid|timed? ?out|conflict|cannot|couldn't|exceeded|degraded|abort|mismatch|refused|missing|unknown/i.test(
        text,
      ),
    )[0] ??
    messages[0] ??
    '';
  const failed = operation !== undefined && /^(?:Failed|Error)$/i.test(operation.phase);
  const broken = failed || /^(?:Unknown|NotReady|failed|False)$/.test(sync ?? '');
  const outOfSync = sync === 'OutOfSync';
  const pending =
    sync?.startsWith('pending-') === true ||
    /^Running$/i.test(operation?.phase ?? '') ||
    health === 'Progressing';
  const subject = `${engine.engine === 'unknown' ? 'Application' : engine.engine} ${application}`;
  const degraded = /^(?:Degraded|Missing)$/.test(health ?? '');
  const check =
    engine.engine === 'Flux'
      ? `flux get all -A --status-selector ready=false`
      : engine.engine === 'Helm'
        ? `helm history ${application}${inSpace(engine.destination)}`
        : engine.engine === 'Argo Rollouts'
          ? `kubectl argo rollouts get rollout ${application}${inSpace(engine.destination)}`
          : `argocd app get ${application} --show-operation`;
  const claims = [
    claimOf(
      'sync',
      subject,
      'status',
      [sync, health, operation?.phase].filter((part) => part !== undefined).join(', '),
      engine.source,
    ),
    ...messages.slice(0, 5).map((text) => claimOf('sync', subject, 'message', text, engine.source)),
  ];
  const trouble = (
    boundary: BoundaryName,
    reason: string,
    what: string,
    weight: Trouble['weight'],
  ): Trouble => ({
    boundary,
    subject,
    reason,
    title: `${subject} is ${what}${said === '' ? '' : `: ${oneLine(said)}`}`,
    claims,
    weight,
    check,
  });
  const rendering =
    /(?:ComparisonError|failed to generate manifest|rpc error: code = Unknown|kustomize build|helm template|Manifest generation error|BuildFailed)/i.test(
      messages.join(' '),
    );
  if (broken)
    return trouble(
      rendering ? 'render' : 'sync',
      'engine-failed',
      [sync, operation?.phase].filter((part) => part !== undefined).join(', '),
      'hard',
    );
  if (degraded)
    return trouble(
      engine.engine === 'Argo Rollouts' ? 'rollout' : 'health',
      'engine-degraded',
      health ?? '',
      'hard',
    );
  if (outOfSync) return trouble('sync', 'out-of-sync', 'OutOfSync', 'hard');
  if (engine.suspended === true && engine.engine === 'Flux')
    return trouble('sync', 'suspended', 'suspended', 'hard');
  if (pending)
    return trouble(
      health === 'Progressing' ? 'rollout' : 'sync',
      'engine-moving',
      health ?? sync ?? '',
      'moving',
    );
  return undefined;
}

const BY_COMMAND: readonly (readonly [RegExp, BoundaryName])[] = [
  [
    /^(?:docker|podman|crane|skopeo|regctl|buildah|npm|make|go|mvn|gradle)\b|gcloud builds|gh run/,
    'artifact',
  ],
  [/^git\b/, 'intent'],
  [/kustomize build|kubectl kustomize|helm (?:template|lint|dependency)|argocd app manifests/, 'render'],
  [
    /^(?:kubectl|oc|k) (?:apply|create|replace|patch|delete|diff|set)|^helm (?:upgrade|install|rollback)|^argocd app sync|^flux|auth can-i/,
    'sync',
  ],
  [/rollout status|rollout (?:undo|restart)|^kubectl argo/, 'rollout'],
  [/^(?:curl|wget|nc|dig|nslookup|openssl|host|grpcurl|http)\b/, 'traffic'],
];

function answerTrouble(answer: AnswerFact): Trouble | undefined {
  if (answer.ok !== false) return undefined;
  const command = answer.asked.trim();
  const boundary = BY_COMMAND.find(([pattern]) => pattern.test(command))?.[1];
  const program = command === '' ? '' : parseCommand(command).program;
  const lost = /\(NotFound\)|No resources found|the server doesn't have a resource type/.test(answer.answer);
  const at = boundary ?? (/denied|forbidden/i.test(answer.answer) ? 'sync' : 'health');
  return {
    boundary: at,
    subject: command === '' ? 'output' : oneLine(command).slice(0, 80),
    reason: 'command-failed',
    title: `${command === '' ? 'Output' : `${program} ${parseCommand(command).words.slice(0, 2).join(' ')}`.trim()} says: ${oneLine(answer.answer)}`,
    claims: [claimOf(at, command === '' ? 'output' : command, 'answer', answer.answer, answer.source)],
    weight: boundary === undefined || (lost && boundary !== 'sync') ? 'soft' : 'hard',
    check: command === '' ? '' : command,
  };
}

function artifactOf(source: ClaimSource): string | undefined {
  return source.type === 'artifact' ? source.artifact : undefined;
}

function buildTroubles(world: World): readonly Trouble[] {
  const newest = world.builds.toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))[0];
  if (
    newest === undefined ||
    (newest.state !== 'failed' &&
      newest.state !== 'waiting-for-approval' &&
      newest.state !== 'cancelled' &&
      newest.state !== 'running')
  )
    return [];
  const said = world.answers.find(
    (answer) =>
      answer.ok === false &&
      answer.source.type === 'artifact' &&
      newest.source.type === 'artifact' &&
      answer.source.artifact === newest.source.artifact,
  )?.answer;
  const deploys =
    /Error from server|is invalid: |forbidden|UPGRADE FAILED|error validating|error when (?:creating|applying|patching)|unable to recognize/.test(
      said ?? '',
    );
  const boundary = deploys ? 'sync' : 'artifact';
  const subject = `build${newest.commit === undefined ? '' : ` of ${newest.commit.slice(0, 8)}`}`;
  const waits = newest.state === 'waiting-for-approval';
  return [
    {
      boundary,
      subject,
      reason: `build-${newest.state}`,
      title: `The newest ${subject} ${newest.state === 'running' ? 'is running' : waits ? 'waits for approval' : newest.state === 'failed' ? 'failed' : 'was cancelled'}${said === undefined ? '' : `: ${oneLine(said)}`}`,
      claims: [
        claimOf('artifact', subject, 'state', newest.state, newest.source),
        ...(said === undefined ? [] : [claimOf('artifact', subject, 'error', said, newest.source)]),
      ],
      weight: newest.state === 'running' ? 'moving' : 'hard',
      check: newest.system === 'Cloud Build' ? 'gcloud builds list --limit 5' : 'gh run view --log-failed',
    },
  ];
}

const FAILED = /^(?:failed|failure|fail|error|errors|ko|rejected|timeout|false|5\d\d|5xx)$/i;
const RESULT = new Set([
  'status',
  'result',
  'outcome',
  'code',
  'state',
  'success',
  'status_code',
  'http_status',
  'response_code',
]);

/** Shares of failures, by every other label: a part that fails is told even where the total looks well. */
function metricTroubles(world: World): readonly Trouble[] {
  const groups = new Map<
    string,
    { failed: number; total: number; readonly sample: World['samples'][number] }
  >();
  let name = '';
  for (const sample of world.samples) {
    const result = Object.keys(sample.labels).find((label) => RESULT.has(label));
    if (result === undefined || sample.value < 0 || !Number.isFinite(sample.value)) continue;
    name = `${sample.name}{${Object.entries(sample.labels)
      .filter(([label]) => label !== result)
      .map(([label, value]) => `${label}="${value}"`)
      .join(',')}}`;
    const group = groups.get(name) ?? { failed: 0, total: 0, sample };
    group.total += sample.value;
    if (FAILED.test(sample.labels[result] ?? '') && result !== 'success') group.failed += sample.value;
    else if (result === 'success' && sample.labels[result] === 'false') group.failed += sample.value;
    groups.set(name, group);
    if (groups.size > 2_000) break;
  }
  return [...groups]
    .filter(([, { failed, total }]) => failed < total && total >= 50 && failed / total >= 0.1)
    .toSorted(([, a], [, b]) => b.failed / b.total - a.failed / a.total)
    .slice(0, 3)
    .map(([group, { failed, total, sample }]) => ({
      boundary: 'traffic' as const,
      subject: group,
      reason: 'failing-share',
      title: `${group} fails ${Math.round((failed / total) * 100)}% (${failed} of ${total})`,
      claims: [
        claimOf(
          'traffic',
          group,
          'errors',
          `${failed} of ${total} (${((failed / total) * 100).toFixed(1)}%)`,
          sample.source,
        ),
      ],
      weight: failed / total >= 0.2 ? ('hard' as const) : ('soft' as const),
      check: '',
    }));
}

const AMISS = /^(?:not_?found|missing|miss|fallback|unknown|denied|unavailable|stale|mismatch)$/i;

/** Counters of something that the running version did not find or know. */
function amissTroubles(world: World): readonly Trouble[] {
  return world.samples
    .filter(
      (sample) =>
        sample.value > 0 &&
        Object.values(sample.labels).some((value) => AMISS.test(value)) &&
        !/^(?:go_|process_|kube_|container_|node_|apiserver_|etcd_)/.test(sample.name),
    )
    .slice(0, 3)
    .map((sample) => {
      const labels = Object.entries(sample.labels).map(([label, value]) => `${label}="${value}"`);
      const words = Object.values(sample.labels).filter((value) => !AMISS.test(value));
      const log = world.logs.find((line) =>
        words.some((word) => word.length > 4 && line.message.includes(word)),
      );
      return {
        boundary: 'traffic' as const,
        subject: sample.name,
        reason: 'amiss',
        title: `${sample.name}{${labels.join(',')}} was counted ${sample.value} times${log === undefined ? '' : `; the log says: ${oneLine(log.message)}`}`,
        claims: [
          claimOf('traffic', sample.name, labels.join(','), String(sample.value), sample.source),
          ...(log === undefined
            ? []
            : [claimOf('traffic', log.component ?? 'log', 'message', log.message, log.source)]),
        ],
        weight: 'soft' as const,
        check: '',
      };
    });
}

/** Events that warn of objects whose state nobody shows; what is healthy now has only a past. */
function eventTroubles(world: World): readonly Trouble[] {
  const shown = new Set(world.live.map((object) => object.name));
  const workloads = world.live.filter(({ kind }) => WORKLOADS.has(kind));
  const fine = (name: string) => {
    const workload = workloads.find(
      (each) =>
        each.name === name || workloadOf({ ...each, kind: 'Pod', name, value: {} }, [each]) !== undefined,
    );
    const wanted = getNumber(workload?.value, 'spec', 'replicas');
    const ready = getNumber(workload?.value, 'status', 'readyReplicas');
    return wanted !== undefined && ready !== undefined && ready >= wanted;
  };
  const byObject = new Map<string, EventFact[]>();
  for (const event of world.events) {
    const own = byObject.get(event.object);
    if (own === undefined) byObject.set(event.object, [event]);
    else own.push(event);
  }
  const byReason = new Map<string, Trouble>();
  for (const event of world.events) {
    const name = event.object.split('/').at(-1) ?? '';
    if (event.type !== 'Warning' || shown.has(name) || fine(name)) continue;
    if (isOver(event, byObject.get(event.object) ?? [])) continue;
    const key = `${event.reason} ${event.message.replaceAll(/[0-9a-f]{5,}|\d+/g, '#').slice(0, 80)}`;
    if (byReason.has(key)) continue;
    byReason.set(key, {
      boundary: /SyncFailed|ReconciliationFailed|BuildFailed|ArtifactFailed|InstallFailed|UpgradeFailed/.test(
        event.reason,
      )
        ? 'sync'
        : 'health',
      subject: event.object,
      reason: `event-${event.reason.toLowerCase()}`,
      title: `${event.object}: ${event.reason}: ${oneLine(event.message)}`,
      claims: [claimOf('health', event.object, `event ${event.reason}`, event.message, event.source)],
      weight:
        (event.count ?? 1) > 2 ||
        /^(?:FailedScheduling|FailedCreate|FailedMount|FailedAttachVolume|Failed|BackOff|ErrImagePull|ReconciliationFailed|BuildFailed|InstallFailed|UpgradeFailed|SyncFailed|ArtifactFailed)$/.test(
          event.reason,
        )
          ? 'hard'
          : 'soft',
      check: `kubectl describe ${(event.object.split('/')[0] ?? 'pod').toLowerCase()} ${name}`,
    });
    if (byReason.size >= 20) break;
  }
  return [...byReason.values()];
}

/** What logs say loudest: fatal lines, and errors that come again. */
function logTroubles(world: World): readonly Trouble[] {
  const shapes = new Map<
    string,
    { count: number; readonly log: World['logs'][number]; readonly fatal: boolean }
  >();
  for (const log of world.logs) {
    const fatal =
      log.level === 'fatal' ||
      /^(?:panic:|Traceback|Exception in thread|FATAL)|OutOfMemoryError|Segmentation fault/.test(log.message);
    if (!fatal && log.level !== 'error') continue;
    const key = log.message
      .replaceAll(/"[^"]*"|'[^']*'/g, '"')
      .replaceAll(/[0-9a-f-]{6,}|\d+/g, '#')
      .slice(0, 120);
    const known = shapes.get(key);
    if (known !== undefined) known.count += 1;
    else if (shapes.size < 500) shapes.set(key, { count: 1, log, fatal });
  }
  return [...shapes.values()]
    .toSorted((a, b) => Number(b.fatal) - Number(a.fatal) || b.count - a.count)
    .slice(0, 3)
    .map(({ count, log, fatal }) => ({
      boundary: 'health' as const,
      subject: log.component ?? 'log',
      reason: 'log-errors',
      title: `${log.component ?? 'A log'} says${count > 1 ? ` ${count} times` : ''}: ${oneLine(log.message)}`,
      claims: [claimOf('health', log.component ?? 'log', fatal ? 'fatal' : 'error', log.message, log.source)],
      weight: 'soft' as const,
      check: log.component === undefined ? 'kubectl get pods' : `kubectl logs ${log.component} --tail 50`,
    }));
}

/** Everything that is not as it should be, by what a source says now. Order: as a delivery crosses the boundaries. */
export function troublesOf(world: World): readonly Trouble[] {
  return [
    ...buildTroubles(world),
    ...world.engines.flatMap((engine) => engineTrouble(engine) ?? []),
    ...world.answers
      .filter(
        ({ source }) =>
          !world.builds.some(
            (build) => build.state === 'failed' && artifactOf(build.source) === artifactOf(source),
          ),
      )
      .flatMap((answer) => answerTrouble(answer) ?? []),
    ...workloadTroubles(world),
    ...podTroubles(world),
    ...conditionTroubles(world),
    ...serviceTroubles(world),
    ...eventTroubles(world),
    ...metricTroubles(world),
    ...amissTroubles(world),
    ...logTroubles(world),
  ];
}
