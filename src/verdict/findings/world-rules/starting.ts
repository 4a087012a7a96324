import { isFine } from './pods.ts';
import type { WorldRule } from './rule.ts';
import { draftsOf } from './told.ts';
import type { Row, Told } from './told.ts';
import type { View } from './view.ts';

const LOOKS_SLOW: readonly [string, string] = [
  'ContainerCreating',
  'looks like a slow pull; it waits for something that is not there',
];

const ROWS: readonly Row[] = [
  {
    failure: 'ROL-05',
    id: 'volume-held-by-old-pod',
    boundary: 'health',
    pattern: /Multi-Attach error for volume "?(?<volume>[^"\s]+)"?/,
    title: (g) => `the volume ${g['volume'] ?? ''} is held by the old pod on another node`,
    confidence: 0.96,
    why: 'A ReadWriteOnce volume goes to one node. A rolling update starts the new pod before the old one ends, and each waits for the other.',
    misleading: [['Available=True', 'the old version serves on']],
    now: (_g, n) => [
      'Scale the old pod away, and set the strategy to Recreate in Git.',
      `kubectl get pods${n} -o wide`,
    ],
    lasting: 'No RollingUpdate for a Deployment with a ReadWriteOnce claim (landfall check).',
    verify: (_g, n) => [`kubectl get pods${n} -o wide`],
    can: 'commit',
  },
  {
    failure: 'ROL-06',
    id: 'mount-source-missing',
    boundary: 'health',
    pattern:
      /MountVolume\.SetUp failed for volume "(?<volume>[^"]+)"\s*: (?:(?<kind>configmap|secret)s? "(?<name>[^"]+)" (?:not found|is forbidden)|.*references non-existent (?<keyKind>config|secret) key: (?<key>\S+))/i,
    title: (g) =>
      g['name'] === undefined
        ? g['key'] === undefined
          ? 'a volume cannot be mounted'
          : `the ${g['keyKind'] ?? ''} behind the volume ${g['volume'] ?? ''} has no key ${g['key']}`
        : `the ${g['kind'] === 'secret' ? 'Secret' : 'ConfigMap'} ${g['name']} that is mounted does not exist`,
    confidence: 0.95,
    why: 'A container is not created before everything that it mounts is there.',
    misleading: [LOOKS_SLOW, ['no restarts, no logs', 'no container has run']],
    now: (g, n) => [
      'Create the object or key in the namespace of the pod, in Git, or correct the name.',
      g['name'] === undefined
        ? `kubectl get configmaps,secrets${n}`
        : `kubectl get ${g['kind'] ?? 'configmap'} ${g['name']}${n}`,
    ],
    lasting:
      'Check that every ConfigMap, Secret and key that the templates name is in the rendered set or in the cluster (landfall check).',
    verify: (_g, n) => [`kubectl get pods${n}`],
    can: 'commit',
  },
  {
    failure: 'ROL-06',
    id: 'mount-failing',
    boundary: 'health',
    pattern:
      /MountVolume\.\w+ failed for volume "(?<volume>[^"]+)"|Unable to attach or mount volumes: unmounted volumes=\[(?<volumes>[^\]]*)\]|AttachVolume\.Attach failed for volume "(?<attached>[^"]+)"/i,
    title: (g) => `the volume ${g['volume'] ?? g['volumes'] ?? g['attached'] ?? ''} cannot be mounted`,
    confidence: 0.85,
    why: 'A container is not created before everything that it mounts is there.',
    misleading: [LOOKS_SLOW, ['no restarts, no logs', 'no container has run']],
    now: (_g, n) => [
      'Read the whole message of the mount: the driver, the server or the node says why.',
      `kubectl get events${n} --field-selector type=Warning`,
      `kubectl get pvc${n}`,
    ],
    lasting: 'Watch the driver of the volumes as a part of the delivery: nothing starts without it.',
    verify: (_g, n) => [`kubectl get pods${n}`],
    symptom: true,
  },
  {
    failure: 'ROL-07',
    id: 'configuration-missing',
    boundary: 'health',
    pattern:
      /(?<kind>secret|configmap) "(?<name>[^"]+)" not found|couldn't find key (?<key>\S+) in (?<keyKind>ConfigMap|Secret) (?<where>\S+)/,
    title: (g) =>
      g['name'] === undefined
        ? `${g['keyKind'] ?? 'the object'} ${g['where'] ?? ''} has no key ${g['key'] ?? ''}`
        : `the ${g['kind'] === 'secret' ? 'Secret' : 'ConfigMap'} ${g['name']} does not exist`,
    confidence: 0.97,
    why: 'The environment of the container names it, so kubelet cannot make the container.',
    misleading: [['the image was pulled, 0 restarts, no logs', 'no container has run']],
    now: (g, n) => [
      'Create the object or key in the namespace of the pod, in Git, or correct the name.',
      `kubectl get ${(g['kind'] ?? g['keyKind'] ?? 'configmap').toLowerCase()} ${g['name'] ?? (g['where'] ?? '').split('/').at(-1) ?? ''}${n}`.trim(),
    ],
    lasting:
      'Check that every ConfigMap, Secret and key that the templates name is in the rendered set or in the cluster (landfall check).',
    verify: (_g, n) => [`kubectl get pods${n}`],
    can: 'commit',
  },
  {
    failure: 'ROL-07',
    id: 'runs-as-root',
    boundary: 'health',
    pattern:
      /container has runAsNonRoot and (?:image will run as root|image has non-numeric user \((?<user>[^)]*)\))|runAsNonRoot/,
    title: (g) =>
      g['user'] === undefined
        ? 'the image runs as root, and the template forbids it'
        : `the image names its user "${g['user']}" instead of a number, so kubelet cannot tell whether it is root`,
    confidence: 0.97,
    why: 'runAsNonRoot is checked against the user that the image names, which must be a number.',
    misleading: [['the image was pulled, 0 restarts, no logs', 'no container has run']],
    now: (_g, n) => [
      'Set runAsUser to a number other than 0 in the template, or USER in the Dockerfile.',
      `kubectl describe pods${n}`,
    ],
    lasting: 'A numeric USER in every image, checked in CI.',
    verify: (_g, n) => [`kubectl get pods${n}`],
    can: 'commit',
  },
  {
    failure: 'PIP-13',
    id: 'image-name-invalid',
    boundary: 'render',
    pattern:
      /InvalidImageName|couldn't parse image (?:reference|name)(?: "(?<image>[^"]*)")?|Failed to apply default image tag "(?<image2>[^"]*)"|invalid reference format/,
    title: (g) =>
      `${g['image'] ?? g['image2'] ?? 'the image'} is no image reference`.replace(/^ is/, 'an empty text is'),
    confidence: 0.97,
    why: 'Mostly an empty variable: "repo:" or ":tag". Nothing was asked of any registry.',
    misleading: [['it looks like a failure of the registry', 'nobody has contacted one']],
    now: () => [
      'Give the variable its value, in Git or in the pipeline, and render again.',
      'landfall render DIR',
    ],
    lasting: 'Refuse rendered images that do not parse (landfall check).',
    verify: (_g, n) => [`kubectl get pods${n}`],
    can: 'commit',
  },
  {
    failure: 'PIP-13',
    id: 'image-never-pulled',
    boundary: 'health',
    pattern: /ErrImageNeverPull|Container image "(?<image>[^"]+)" is not present with pull policy of Never/,
    title: (g) => `imagePullPolicy Never, and the node does not have ${g['image'] ?? 'the image'}`,
    confidence: 0.97,
    why: 'Never means that only what the node has already may run. Nothing was asked of any registry.',
    misleading: [['it looks like a failure of the registry', 'nobody has contacted one']],
    now: (_g, n) => [
      'Set imagePullPolicy to IfNotPresent in Git.',
      `kubectl get pods${n} -o jsonpath='{.items[*].spec.containers[*].imagePullPolicy}'`,
    ],
    lasting: 'Refuse the policy Never outside of tests (landfall check).',
    verify: (_g, n) => [`kubectl get pods${n}`],
    can: 'commit',
  },
  {
    failure: 'PIP-14',
    id: 'signature-rejected',
    boundary: 'artifact',
    pattern: /SignatureValidationFailed/,
    title: () => 'the node refuses the image: its signature is missing or wrong',
    confidence: 0.96,
    why: 'The runtime checks signatures before it pulls.',
    misleading: [['the same digest runs elsewhere', 'where no such policy holds']],
    now: () => [
      'Sign this very digest with the identity that the policy names; do not switch the policy off.',
    ],
    lasting: 'Sign in the job that pushes, and verify before the digest is committed to Git.',
    verify: (_g, n) => [`kubectl get pods${n}`],
  },
  {
    failure: 'ROL-10',
    id: 'out-of-memory',
    boundary: 'health',
    pattern: /container init was OOM-killed|init was OOM-killed \(memory limit too low/i,
    title: () => 'the memory limit is too low even to start the container',
    confidence: 0.97,
    why: 'The runtime itself is killed while it starts the container: limits of a few MiB, often a missing unit.',
    misleading: [['FailedCreatePodSandBox or StartError', 'looks like a broken node']],
    now: (_g, n) => [
      'Raise the limit in Git, and look at its unit: "128m" is an eighth of a byte.',
      `kubectl get pods${n} -o jsonpath='{.items[*].spec.containers[*].resources.limits}'`,
    ],
    lasting: 'Test with the rendered limits.',
    verify: (_g, n) => [`kubectl get pods${n}`],
    can: 'commit',
  },
  {
    failure: 'ROL-19',
    id: 'node-runtime-failing',
    boundary: 'health',
    pattern:
      /Failed to create pod sandbox|FailedCreatePodSandBox|failed to (?:set up|setup) (?:sandbox|pod|network)|no IPs? (?:addresses )?available|NetworkPluginNotReady|network is not ready|containerd\.sock: connect/i,
    title: () => 'a node cannot make pods: its network or runtime fails',
    confidence: 0.9,
    why: 'No container of the pod has been touched: the node could not give it a network or a sandbox.',
    misleading: [
      [
        'the new release does not start',
        'its pods came to the node that fails; pods of others fail there too',
      ],
    ],
    now: (_g, n) => [
      'Look for other pods in trouble on the same node; cordon and drain it, or free addresses.',
      `kubectl get pods -A -o wide --field-selector status.phase=Pending`,
      `kubectl get events${n} --field-selector reason=FailedCreatePodSandBox`,
    ],
    lasting: 'Look at failures by node before looking at them by release.',
    verify: (_g, n) => [`kubectl get pods${n} -o wide`],
  },
  {
    failure: 'ROL-08',
    id: 'cannot-start-command',
    boundary: 'health',
    pattern:
      /exec: \\?"(?<command>[^"\\]+)\\?": (?<what>executable file not found in \$PATH|permission denied|stat [^:]+: no such file or directory|no such file or directory|is a directory)|(?:ContainerCannotRun|RunContainerError|CreateContainerError|StartError)/,
    title: (g) =>
      g['command'] === undefined
        ? 'the container cannot be started'
        : `the container cannot start ${g['command']}: ${g['what'] ?? ''}`,
    confidence: 0.94,
    why: 'The command of the template, or the entry point of the image, cannot be run in this image.',
    misleading: [['the same digest works elsewhere', 'with another command or user']],
    now: (g, n) => [
      'Correct command and arguments in Git, or the entry point in the image.',
      `kubectl get pods${n} -o jsonpath='{.items[*].spec.containers[*].command}'`,
      `crane config IMAGE | jq .config.Entrypoint${g['command'] === undefined ? '' : `   # has it ${g['command']}?`}`,
    ],
    lasting: 'Start every digest once with the rendered command, in CI.',
    verify: (_g, n) => [`kubectl get pods${n}`],
    can: 'commit',
  },
];

const REASONS =
  /^(?:FailedMount|FailedAttachVolume|FailedCreatePodSandBox|InspectFailed|Failed|NetworkNotReady|FailedCreatePodContainer|FailedPostStartHook)$/;
const START_ERRORS = /^(?:StartError|ContainerCannotRun)$/;
/** `Failed` is said of pulls too, and those have a rule of their own. */
const PULL = /pull(?:ing)? image|ErrImagePull|ImagePullBackOff/;

function sentences(view: View): readonly Told[] {
  return view.pods.flatMap((pod): Told[] => {
    if (isFine(pod) || pod.terminating) return [];
    const stuck = pod.containers.filter(({ waiting }) => waiting !== undefined);
    const states = pod.containers.flatMap((container): Told[] => {
      const { waiting, terminated, last } = container;
      const ended = [terminated, last].find((end) => START_ERRORS.test(end?.reason ?? ''));
      const text =
        waiting !== undefined && !/^(?:CrashLoopBackOff|PodInitializing)$/.test(waiting.reason)
          ? `${waiting.reason}: ${waiting.message ?? ''}`
          : ended === undefined
            ? ''
            : `${ended.reason ?? ''}: ${ended.message ?? ''}`;
      return text === '' || PULL.test(text)
        ? []
        : [
            {
              text,
              who: pod.thing.id,
              space: pod.namespace,
              weight: 1,
              claims: (boundary) => [view.ofContainer(boundary, pod, container)],
            },
          ];
    });
    // Once a container has started, everything that had to be there before it is there.
    const began = pod.containers.some(
      ({ running, last, terminated, role }) =>
        role === 'main' && (running || last !== undefined || terminated !== undefined),
    );
    const events = began && stuck.length === 0 ? [] : view.eventsOf('Pod', pod.name, pod.namespace);
    const detailed = states.some(({ text }) => ROWS.slice(0, -1).some(({ pattern }) => pattern.test(text)));
    if (detailed) return states;
    const told = events
      .filter(({ reason, message }) => REASONS.test(reason) && !PULL.test(message))
      .map((event): Told => ({
        text: `${event.reason === 'FailedCreatePodSandBox' ? 'FailedCreatePodSandBox: ' : ''}${event.message}`,
        who: pod.thing.id,
        space: pod.namespace,
        weight: stuck.length > 0 ? 1 : 0.85,
        claims: (boundary) => [
          ...stuck.map((container) => view.ofContainer(boundary, pod, container)),
          view.ofEvent(boundary, event),
        ],
      }));
    const matching = told.filter(({ text }) => ROWS.some(({ pattern }) => pattern.test(text)));
    return matching.length > 0 ? matching : states;
  });
}

/** ROL-05 to ROL-08, ROL-10, ROL-19, PIP-13, PIP-14: containers that never came to run. Wording: kubelet, containerd. */
export const startingRule: WorldRule = (view) => draftsOf(ROWS, sentences(view));
