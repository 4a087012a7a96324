import type { BoundaryName, BoundaryReport } from '../boundaries/index.ts';
import { getArray, getIn, getObject, getString } from '../kernel/index.ts';
import type { Finding, World, WorldObject } from '../verdict/index.ts';
import { imagesOf, WORKLOADS } from './trace.ts';

export interface Missing {
  readonly question: string;
  /** The command whose output answers it. */
  readonly command: string;
}

const MOST = 8;
/** Pods are asked about until there are so many questions. */
const MOST_BEFORE_BOUNDARIES = 3;

function space(object: WorldObject | undefined): string {
  return object?.namespace === undefined ? '' : ` -n ${object.namespace}`;
}

/** What the questions are about, with the names that the artifacts show. */
interface Subject {
  readonly world: World;
  readonly workload: WorldObject | undefined;
  readonly pods: readonly WorldObject[];
  readonly image: string | undefined;
  /** `deployment/api`, and the flag of its namespace. */
  readonly ref: string | undefined;
  readonly inSpace: string;
  /** A tag is known to have moved. */
  readonly moved: boolean;
}

function subjectIn(world: World, findings: readonly Finding[]): Subject {
  const workload =
    world.live.find(({ kind }) => WORKLOADS.has(kind)) ??
    world.desired.find(({ kind }) => WORKLOADS.has(kind));
  const pods = world.live.filter(({ kind }) => kind === 'Pod');
  return {
    world,
    workload,
    pods,
    image: workload === undefined ? undefined : imagesOf(workload)[0]?.image,
    ref: workload === undefined ? undefined : `${workload.kind.toLowerCase()}/${workload.name}`,
    inSpace: space(workload ?? pods[0]),
    moved: findings.some(({ id }) => id === 'mutable-reference-moved'),
  };
}

/** Of a tag that moved: which of the ways in which a node keeps the old image it is. */
function ofMovedTag({ workload, pods, image, ref, inSpace, moved }: Subject): readonly Missing[] {
  if (!moved) return [];
  const found: Missing[] = [];
  if (pods.some((pod) => getString(pod.value, 'metadata', 'creationTimestamp') === undefined))
    found.push({
      question:
        'Were the pods created before or after the push? Before: nothing pulled. After: the node took its cached copy.',
      command: `kubectl get pods${inSpace} -o custom-columns='POD:.metadata.name,CREATED:.metadata.creationTimestamp,NODE:.spec.nodeName,IMAGE:.status.containerStatuses[*].imageID'`,
    });
  const [container] = getArray(workload?.value, 'spec', 'template', 'spec', 'containers');
  if (ref !== undefined && getIn(container, 'imagePullPolicy') === undefined)
    found.push({
      question:
        'Which pull policy is stored? IfNotPresent lets a restart take the old copy again; Always does not.',
      command: `kubectl get ${ref}${inSpace} -o jsonpath='{.spec.template.spec.containers[*].imagePullPolicy}'`,
    });
  if (image !== undefined)
    found.push({
      question: 'What does the registry answer for the tag now?',
      command: `crane digest ${image}`,
    });
  return found;
}

/** Of a pod that waits or ended: its last output or its events, whichever the artifacts do not hold. */
function ofPod(pod: WorldObject, { logs, events }: World): Missing | undefined {
  const status = getArray(pod.value, 'status', 'containerStatuses')
    .concat(getArray(pod.value, 'status', 'initContainerStatuses'))
    .find(
      (each) =>
        getObject(each, 'state', 'waiting') !== undefined ||
        getObject(each, 'state', 'terminated') !== undefined,
    );
  const reason =
    getString(status, 'state', 'waiting', 'reason') ?? getString(status, 'state', 'terminated', 'reason');
  if (reason === undefined || reason === 'Completed') return undefined;
  const isLogged = logs.some(({ component }) => component !== undefined && pod.name.startsWith(component));
  if (/CrashLoop|Error|OOM/.test(reason) && !isLogged)
    return {
      question: `Why does ${pod.name} end? Its last output says it.`,
      command: `kubectl logs ${pod.name}${space(pod)} --previous`,
    };
  if (events.some(({ object }) => object.endsWith(`/${pod.name}`))) return undefined;
  return {
    question: `Why is ${pod.name} in ${reason}? Its events say it.`,
    command: `kubectl describe pod ${pod.name}${space(pod)}`,
  };
}

function engineCommand({ world, inSpace }: Subject): string | undefined {
  const [engine] = world.engines;
  const app = engine?.application ?? world.live.find(({ kind }) => kind === 'Application')?.name;
  if (app === undefined) return undefined;
  if (engine?.engine === 'Flux') return 'flux get all -A';
  return engine?.engine === 'Helm' ? `helm history ${app}${inSpace}` : `argocd app get ${app}`;
}

function endpointsCommand({ world, inSpace }: Subject): string {
  const service = [...world.live, ...world.desired].find(({ kind }) => kind === 'Service');
  if (service === undefined) return `kubectl get services,endpointslices${inSpace}`;
  return `kubectl get endpointslices${space(service)} -l kubernetes.io/service-name=${service.name}`;
}

/** What would decide a boundary of which nothing is known; without a command where no name is known for it. */
function ofBoundary(
  boundary: BoundaryName,
  subject: Subject,
): { readonly question: string; readonly command: string | undefined } {
  const { world, image, ref, inSpace, moved, pods } = subject;
  const file = world.files.find(({ kind }) => kind === 'kustomization')?.path;
  switch (boundary) {
    case 'artifact':
      return {
        question: 'Which digest does the registry answer for the image?',
        command: image === undefined ? undefined : `crane digest ${image}`,
      };
    case 'intent':
      return {
        question: 'What does Git ask for at the tracked revision, and since when?',
        command: file === undefined ? 'git log -n 5 --stat' : `git log -n 5 -p -- ${file}`,
      };
    case 'render':
      return {
        question: 'What do the manifests say once they are built?',
        command: file === undefined ? undefined : `kustomize build ${file.replace(/\/?[^/]*$/, '') || '.'}`,
      };
    case 'sync':
      return {
        question: 'Did the controller apply that revision, all of it?',
        command: engineCommand(subject),
      };
    case 'live':
      return {
        question: 'What does the API server store?',
        command: ref === undefined ? undefined : `kubectl get ${ref}${inSpace} -o yaml`,
      };
    case 'health':
      return {
        question: 'Are the pods ready, and what do the events say?',
        command: `kubectl get pods,events${inSpace}`,
      };
    case 'rollout':
      return {
        question: 'Which digest does each pod run, and since when?',
        command:
          moved || (ref === undefined && pods.length === 0)
            ? undefined
            : `kubectl get pods${inSpace} -o custom-columns='POD:.metadata.name,CREATED:.metadata.creationTimestamp,IMAGE:.status.containerStatuses[*].imageID'`,
      };
    case 'traffic':
      return { question: 'Do ready pods stand behind the Service?', command: endpointsCommand(subject) };
    default:
      return boundary satisfies never;
  }
}

/** What would decide most if it were known, as commands with the names that the artifacts show. */
export function missingOf(
  world: World,
  reports: readonly BoundaryReport[],
  findings: readonly Finding[],
): readonly Missing[] {
  const subject = subjectIn(world, findings);
  const found = new Map<string, Missing>();
  const add = (missing: Missing | undefined) => {
    if (missing !== undefined && !found.has(missing.command)) found.set(missing.command, missing);
  };
  ofMovedTag(subject).forEach(add);
  for (const pod of subject.pods) {
    const missing = ofPod(pod, world);
    add(missing);
    if (missing !== undefined && found.size >= MOST_BEFORE_BOUNDARIES) break;
  }
  for (const { boundary, state } of reports) {
    if (state !== 'unknown') continue;
    const { question, command } = ofBoundary(boundary, subject);
    if (command !== undefined) add({ question, command });
  }
  return [...found.values()].slice(0, MOST);
}
