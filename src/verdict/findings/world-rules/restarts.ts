import { getNumber, getString } from '../../../kernel/index.ts';
import { logsOf } from './crashing.ts';
import { isFine } from './pods.ts';
import type { Pod } from './pods.ts';
import { counted, groupBy, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

/** ROL-11: an init container that neither ends nor fails. */
function waitingInits(view: View): Draft[] {
  const now = Date.parse(view.world.at ?? '');
  return view.pods.flatMap((pod) => {
    if (isFine(pod) || pod.terminating) return [];
    const init = pod.containers.find(
      ({ role, running, ready }) => role === 'init' && running && ready !== true,
    );
    if (init === undefined || getString(init.spec, 'restartPolicy') === 'Always') return [];
    const begun = Date.parse(pod.created ?? '');
    if (!Number.isNaN(now) && !Number.isNaN(begun) && now - begun < 60_000) return [];
    const line = logsOf(view, pod, init.name).at(-1);
    return [
      {
        failure: 'ROL-11',
        id: 'init-container-waiting',
        boundary: 'health' as const,
        title: `the init container ${init.name} does not end, so ${pod.workload.name} does not begin`,
        confidence: Number.isNaN(now) ? 0.7 : 0.88,
        why: [
          line === undefined
            ? 'It runs and waits; what for stands in its log.'
            : `Its log ends with: ${quote(line.message)}`,
        ],
        claims: [view.ofContainer('health', pod, init)],
        misleading: [
          ['PodInitializing', 'looks like a start; there is no event of an error at all'] as const,
        ],
        now: [
          'Read what it waits for, and mend that or its command.',
          `kubectl logs ${pod.name}${pod.thing.n} -c ${init.name}`,
        ] as const,
        lasting: [
          'A time limit inside of init containers, and readiness instead of loops that wait.',
        ] as const,
        verify: [`kubectl get pods${pod.thing.n}`],
        space: pod.namespace,
      },
    ];
  });
}

const CHURN = 3;

/** Less than one restart in a day of its life is what nodes and upgrades bring about. */
function isRare(pod: Pod): boolean {
  const days = (pod.thing.ageMs ?? 0) / 86_400_000;
  return days > 1 && pod.containers.every(({ restarts }) => restarts / days < 1);
}

/** HEA-04: all are ready now, and have been restarted again and again since they were made. */
function churn(view: View): Draft[] {
  const found = view.pods.filter(
    (pod) =>
      pod.ready === true &&
      !isRare(pod) &&
      pod.containers.some(
        ({ restarts, last, role }) =>
          role === 'main' && restarts >= CHURN && last !== undefined && (last.exitCode ?? 1) !== 0,
      ),
  );
  const now = Date.parse(view.world.at ?? '');
  const recent = found.filter((pod) =>
    pod.thing.list('status', 'containerStatuses').some((status) => {
      const at = Date.parse(getString(status, 'lastState', 'terminated', 'finishedAt') ?? '');
      const restarts = getNumber(status, 'restartCount') ?? 0;
      return restarts >= CHURN && (Number.isNaN(now) || Number.isNaN(at) || now - at < 3_600_000);
    }),
  );
  return [...groupBy(recent, (pod) => `${pod.namespace ?? ''}/${pod.workload.name}`).values()].flatMap(
    (pods): Draft[] => {
      const [pod] = pods;
      if (pod === undefined) return [];
      return [
        {
          failure: 'HEA-04',
          id: 'restart-churn',
          boundary: 'health',
          title: `${pod.workload.name} is ready now, and keeps restarting`,
          confidence: 0.85,
          why: [
            `${counted(pods.length, 'pod')} restarted ${pods.map(({ containers }) => Math.max(...containers.map(({ restarts }) => restarts))).join(', ')} times within the life of this release, the last time within the hour.`,
          ],
          claims: pods.flatMap((item) =>
            item.containers
              .filter(({ restarts }) => restarts >= CHURN)
              .map((container) =>
                view.claim(
                  'health',
                  item.thing.id,
                  'restarts',
                  String(container.restarts),
                  item.thing.cite(...container.statusPath, 'restartCount'),
                ),
              ),
          ),
          misleading: [['READY n/n, Available=True', 'one look between two crashes']],
          now: [
            'Read the log of the run before and go back if users notice.',
            `kubectl logs ${pod.name}${pod.thing.n} --previous`,
          ],
          lasting: [
            'A time without restarts before a release counts as landed, and minReadySeconds above the time to the crash.',
          ],
          verify: [`kubectl get pods${pod.thing.n} -w`],
          can: 'rollback',
          space: pod.namespace,
        },
      ];
    },
  );
}

/** ROL-10: the kernel of a node says that it killed for memory, and containers end without a reason of their own. */
function killedByKernel(view: View): Draft[] {
  const lines = view.world.logs.filter(({ message }) =>
    /(?:Memory cgroup out of memory|Out of memory): Kill(?:ed)? process \d+/.test(message),
  );
  const [line] = lines;
  if (line === undefined) return [];
  const ended = view.pods.filter((pod) =>
    pod.containers.some(
      ({ restarts, last, terminated }) => restarts > 0 && (last ?? terminated)?.reason !== 'Completed',
    ),
  );
  const [pod] = ended;
  if (
    pod === undefined ||
    ended.some((item) => item.containers.some(({ last }) => last?.reason === 'OOMKilled'))
  )
    return [];
  return [
    {
      failure: 'ROL-10',
      id: 'out-of-memory',
      boundary: 'health',
      title: `the kernel kills a process of ${ended.length === 1 ? pod.workload.name : 'these pods'} for memory`,
      confidence: ended.length === 1 ? 0.88 : 0.6,
      why: [`The log of the node says: ${quote(line.message)}`, `${counted(ended.length, 'pod')} restarted.`],
      claims: [
        view.claim('health', 'kernel', 'log', line.message, line.source),
        ...ended
          .slice(0, 5)
          .map((item) =>
            view.about(
              'health',
              item.thing,
              'restarts',
              String(Math.max(...item.containers.map(({ restarts }) => restarts))),
              'status',
            ),
          ),
      ],
      misleading: [['Running and Ready', 'between two kills']],
      now: [
        'Raise the limit in Git or mend the leak; meanwhile go back.',
        `kubectl top pod ${pod.name}${pod.thing.n} --containers`,
      ],
      lasting: ['Load the release with its rendered limits before production.'],
      verify: [`kubectl get pods${pod.thing.n} -w`],
      can: 'rollback',
      space: pod.namespace,
    },
  ];
}

/** ROL-10, ROL-11, HEA-04: what waits in its start, and what starts again and again. */
export const restartsRule: WorldRule = (view) => [
  ...waitingInits(view),
  ...churn(view),
  ...killedByKernel(view),
];
