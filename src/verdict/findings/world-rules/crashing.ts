import { getObject, getString } from '../../../kernel/index.ts';
import type { LogLine } from '../../world/index.ts';
import type { Container, Pod } from './pods.ts';
import { counted, groupBy, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

interface Crash {
  readonly pod: Pod;
  readonly container: Container;
  readonly exit: number | undefined;
  readonly reason: string | undefined;
  readonly killing: View['world']['events'];
  readonly logs: readonly LogLine[];
}

/** Lines of a container's log; a line that names no pod belongs to the workload that its component names. */
export function logsOf(view: View, pod: Pod, container: string): readonly LogLine[] {
  return view.world.logs.filter(({ component = '', fields }) => {
    const named = fields['pod'] ?? fields['pod_name'] ?? component;
    return (
      named === pod.name ||
      named.startsWith(`${pod.name}/`) ||
      named === pod.workload.name ||
      named.startsWith(`${pod.workload.name}-`) ||
      (container !== '' && named === container)
    );
  });
}

function crashes(view: View): readonly Crash[] {
  return view.pods.flatMap((pod) => {
    // What the node put out did not end by itself.
    const evicted = /^(?:Evicted|Preempting|NodeShutdown|Terminated)$/.test(
      pod.thing.text('status', 'reason') ?? '',
    );
    if (pod.terminating || pod.phase === 'Succeeded' || evicted) return [];
    return pod.containers.flatMap((container) => {
      const end = container.terminated ?? container.last;
      const loops = container.waiting?.reason === 'CrashLoopBackOff';
      const failed = container.terminated !== undefined && (container.terminated.exitCode ?? 1) !== 0;
      const killed = end?.reason === 'OOMKilled' && container.ready !== true;
      const restarting =
        container.ready === false && container.restarts > 0 && end !== undefined && (end.exitCode ?? 1) !== 0;
      const probed =
        container.ready === false &&
        container.restarts > 0 &&
        view
          .eventsOf('Pod', pod.name, pod.namespace)
          .some(
            ({ reason, message }) =>
              reason === 'Killing' && /failed (?:liveness|startup) probe/.test(message),
          );
      if (!loops && !failed && !killed && !restarting && !probed) return [];
      if (/^(?:StartError|ContainerCannotRun)$/.test(end?.reason ?? '')) return [];
      return [
        {
          pod,
          container,
          exit: end?.exitCode,
          reason: end?.reason,
          killing: view
            .eventsOf('Pod', pod.name, pod.namespace)
            .filter(
              ({ reason, message }) =>
                (reason === 'Killing' && /failed (?:liveness|startup) probe/.test(message)) ||
                (reason === 'Unhealthy' && /^(?:Liveness|Startup) probe/.test(message)),
            ),
          logs: logsOf(view, pod, container.name),
        },
      ];
    });
  });
}

const EXEC_FORMAT = /exec format error|cannot execute binary file/i;
const DEPENDENCY =
  /connection refused|\bECONNREFUSED\b|\bENOTFOUND\b|no such host|could not connect|connection to server .* failed|password authentication failed|Access denied for user|unknown (?:column|database)|(?:relation|column|table) .* does not exist|Unknown column|no such (?:table|column)|migration/i;
const SERIOUS =
  /error|fatal|panic|exception|traceback|missing|required|invalid|denied|refused|cannot|can't|failed|not set|unable/i;

/** The line of a log that says most: the last one that sounds like the reason, else the last words of the run before. */
export function telling(logs: readonly LogLine[]): LogLine | undefined {
  const previous = logs.filter((line) => line.previous);
  const list = previous.length > 0 ? previous : logs;
  return (
    list.findLast(
      ({ level, message }) => (level === 'fatal' || level === 'error') && SERIOUS.test(message),
    ) ??
    list.findLast(({ message, level }) => SERIOUS.test(message) && level !== 'info' && level !== 'debug') ??
    previous.at(-1)
  );
}

interface Kind {
  readonly failure: string;
  readonly id: string;
  readonly boundary: 'artifact' | 'health';
  readonly title: string;
  readonly confidence: number;
  readonly why: readonly string[];
  readonly misleading: readonly (readonly [string, string])[];
  readonly now: Draft['now'];
  readonly lasting: string;
  readonly can?: 'commit' | 'rollback';
}

function kindOf(crash: Crash): Kind {
  const { pod, container, exit, reason, killing, logs } = crash;
  const n = pod.thing.n;
  const name = `${pod.workload.name}${container.name === '' || container.name === pod.workload.name ? '' : `/${container.name}`}`;
  const which = container.name === '' ? '' : ` -c ${container.name}`;
  const message =
    container.last?.message ?? container.terminated?.message ?? container.waiting?.message ?? '';
  const format = logs.find((line) => EXEC_FORMAT.test(line.message));
  if (format !== undefined || EXEC_FORMAT.test(message))
    return {
      failure: 'PIP-08',
      id: 'image-platform-wrong',
      boundary: 'artifact',
      title: `${container.image ?? name} was built for another architecture than the node has`,
      confidence: 0.97,
      why: [
        'The kernel of the node cannot run the program: "exec format error" is its word for another architecture.',
      ],
      misleading: [
        [
          'the pull succeeded and the digest is the one that CI pushed',
          'identity says nothing about platforms',
        ],
      ],
      now: [
        'Push an image for the architecture of the nodes, or send the pods to nodes that fit.',
        'kubectl get nodes -L kubernetes.io/arch',
        `crane config ${container.image ?? 'IMAGE'} | jq .architecture`,
      ],
      lasting: 'Build for every architecture that the cluster has, and compare them before the merge.',
    };
  if (reason === 'OOMKilled') {
    const limit = getString(getObject(container.spec, 'resources', 'limits'), 'memory');
    return {
      failure: 'ROL-10',
      id: 'out-of-memory',
      boundary: 'health',
      title: `${name} is killed for memory${limit === undefined ? '' : ` at its limit of ${limit}`}`,
      confidence: 0.97,
      why: [
        'The kernel ends a container that goes past its memory limit. The reason OOMKilled says so; exit code 137 alone would not.',
      ],
      misleading: [
        ['exit code 137', 'alone could be a probe or a drain as well'],
        ['the limit in the Deployment looks fine', 'a webhook may have changed it in the pod'],
      ],
      now: [
        'Raise the limit in Git or mend the leak; meanwhile go back.',
        `kubectl get pod ${pod.name}${n} -o jsonpath='{.spec.containers[*].resources.limits.memory}'`,
        `kubectl top pod ${pod.name}${n} --containers`,
      ],
      lasting: 'Load the release with its rendered limits before production.',
      can: 'rollback',
    };
  }
  if (
    killing.some((event) => event.reason === 'Killing') ||
    (killing.length > 0 && (exit === 137 || exit === 143))
  )
    return {
      failure: 'ROL-13',
      id: 'killed-by-probe',
      boundary: 'health',
      title: `${name} is killed by its ${/startup/i.test(killing[0]?.message ?? '') ? 'startup' : 'liveness'} probe`,
      confidence: 0.95,
      why: [
        `kubelet says before each end that the probe failed: ${quote(killing.find(({ reason: what }) => what === 'Unhealthy')?.message ?? killing[0]?.message ?? '')}`,
        `The program did not end by itself${exit === undefined ? '' : ` (exit code ${exit})`}; it was slow, or the probe asks the wrong thing.`,
      ],
      misleading: [
        ['CrashLoopBackOff', 'suggests a bug of the program'],
        ['the log ends without an error', 'it was stopped from outside'],
      ],
      now: [
        'Give it a startupProbe, or more time and failures, in Git.',
        `kubectl get pod ${pod.name}${n} -o jsonpath='{.spec.containers[*].livenessProbe}'`,
        `kubectl logs ${pod.name}${n}${which} --previous`,
      ],
      lasting:
        'A startup probe with a budget above the slowest start, and another endpoint for liveness than for readiness.',
      can: 'commit',
    };
  const line = telling(logs);
  if (line !== undefined && DEPENDENCY.test(line.message))
    return {
      failure: 'HEA-09',
      id: 'dependency-failing',
      boundary: 'health',
      title: `${name} ends because something that it depends on does not answer as it needs`,
      confidence: 0.88,
      why: [
        `The log says: ${quote(line.message)}`,
        'It ends by itself when it meets this. Whether the other side is down, refuses it or has another schema stands in that line.',
      ],
      misleading: [
        [
          'the dependency is healthy',
          'for those who reach it with the right name, port, password and schema',
        ],
      ],
      now: [
        'Go back to the release before, then mend address, credential or schema.',
        `kubectl logs ${pod.name}${n}${which} --previous`,
      ],
      lasting:
        'Changes of a schema in two steps (widen, then narrow), and a check of the dependencies in the first pods of a release.',
      can: 'rollback',
    };
  if (container.role === 'init')
    return {
      failure: 'ROL-11',
      id: 'init-container-failing',
      boundary: 'health',
      title: `the init container ${container.name} fails, so the pod does not begin`,
      confidence: 0.94,
      why: [
        line === undefined
          ? 'Its log says why; the main containers have not been started.'
          : `Its log says: ${quote(line.message)}`,
      ],
      misleading: [['PodInitializing', 'looks like waiting']],
      now: [
        'Read the log of the init container, mend what it waits for or its command.',
        `kubectl logs ${pod.name}${n}${which}`,
      ],
      lasting: 'A time limit inside of init containers, and readiness instead of loops that wait.',
      can: 'rollback',
    };
  return {
    failure: 'ROL-09',
    id: 'crash-loop',
    boundary: 'health',
    title: `${name} ends again and again${exit === undefined ? '' : ` with exit code ${exit}`}`,
    confidence: line === undefined ? 0.85 : 0.93,
    why: [
      line === undefined
        ? 'The program ends by itself. Why stands in the log of the run before, which is not here.'
        : `The log of the run before says: ${quote(line.message)}`,
    ],
    misleading: [
      ['Running and Ready for seconds', 'between two restarts'],
      ['the log is empty', 'of the attempt that has just begun; --previous has the one that ended'],
    ],
    now: ['Go back in Git, then mend what the log names.', `kubectl logs ${pod.name}${n}${which} --previous`],
    lasting: 'minReadySeconds above the time to the crash, and a check of the configuration at start.',
    can: 'rollback',
  };
}

/** ROL-09 to ROL-11, ROL-13, PIP-08, HEA-09: containers that end, and by whom. Sources: kubelet events, container states. */
export const crashingRule: WorldRule = (view) => {
  const found = crashes(view).map((crash) => ({ crash, kind: kindOf(crash) }));
  const groups = groupBy(found, ({ crash, kind }) =>
    [kind.id, crash.pod.namespace ?? '', kind.title].join('|'),
  );
  const drafts = [...groups.values()].flatMap((group): Draft[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { kind, crash } = first;
    const restarts = group.reduce((sum, item) => sum + item.crash.container.restarts, 0);
    return [
      {
        ...kind,
        why: [
          `${counted(group.length, 'pod')} of ${crash.pod.workload.kind}/${crash.pod.workload.name}, ${counted(restarts, 'restart')}.`,
          ...kind.why,
        ],
        claims: group.flatMap((item) => {
          const line =
            item.crash.logs.find((entry) => EXEC_FORMAT.test(entry.message)) ?? telling(item.crash.logs);
          return [
            view.ofContainer(kind.boundary, item.crash.pod, item.crash.container),
            ...item.crash.killing.slice(0, 2).map((event) => view.ofEvent(kind.boundary, event)),
            ...(line === undefined
              ? []
              : [view.claim(kind.boundary, item.crash.pod.thing.id, 'log', line.message, line.source)]),
          ];
        }),
        lasting: [kind.lasting],
        verify: [
          `kubectl get pods${crash.pod.thing.n}`,
          `kubectl rollout status ${crash.pod.workload.kind.toLowerCase()}/${crash.pod.workload.name}${crash.pod.thing.n}`,
        ],
        space: crash.pod.namespace,
        // A Job that failed says it of itself, with the log of its pods.
        symptom: crash.pod.workload.kind === 'Job',
      },
    ];
  });
  return drafts;
};
