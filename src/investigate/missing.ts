import type { BoundaryReport } from '../boundaries/index.ts';
import { getArray, getIn, getObject, getString } from '../kernel/index.ts';
import type { Finding, World, WorldObject } from '../verdict/index.ts';
import { imagesOf, WORKLOADS } from './trace.ts';

export interface Missing {
  readonly question: string;
  /** The command whose output answers it. */
  readonly command: string;
}

const MOST = 8;

function space(object: WorldObject | undefined): string {
  return object?.namespace === undefined ? '' : ` -n ${object.namespace}`;
}

/** What would decide most if it were known, as commands with the names that the artifacts show. */
export function missingOf(
  world: World,
  reports: readonly BoundaryReport[],
  findings: readonly Finding[],
): readonly Missing[] {
  const found: Missing[] = [];
  const add = (question: string, command: string) => {
    if (!found.some((each) => each.command === command)) found.push({ question, command });
  };
  const workload =
    world.live.find(({ kind }) => WORKLOADS.has(kind)) ??
    world.desired.find(({ kind }) => WORKLOADS.has(kind));
  const pods = world.live.filter(({ kind }) => kind === 'Pod');
  const n = space(workload ?? pods[0]);
  const ref = workload === undefined ? undefined : `${workload.kind.toLowerCase()}/${workload.name}`;
  const [image] = workload === undefined ? [] : imagesOf(workload);
  const moved = findings.some(({ id }) => id === 'mutable-reference-moved');
  if (moved && pods.some((pod) => getString(pod.value, 'metadata', 'creationTimestamp') === undefined))
    add(
      'Were the pods created before or after the push? Before: nothing pulled. After: the node took its cached copy.',
      `kubectl get pods${n} -o custom-columns='POD:.metadata.name,CREATED:.metadata.creationTimestamp,NODE:.spec.nodeName,IMAGE:.status.containerStatuses[*].imageID'`,
    );
  const container =
    workload === undefined
      ? undefined
      : getArray(workload.value, 'spec', 'template', 'spec', 'containers')[0];
  if (moved && ref !== undefined && getIn(container, 'imagePullPolicy') === undefined)
    add(
      'Which pull policy is stored? IfNotPresent lets a restart take the old copy again; Always does not.',
      `kubectl get ${ref}${n} -o jsonpath='{.spec.template.spec.containers[*].imagePullPolicy}'`,
    );
  if (moved && image !== undefined)
    add('What does the registry answer for the tag now?', `crane digest ${image.image}`);
  for (const pod of pods) {
    const status = getArray(pod.value, 'status', 'containerStatuses')
      .concat(getArray(pod.value, 'status', 'initContainerStatuses'))
      .find(
        (each) =>
          getObject(each, 'state', 'waiting') !== undefined ||
          getObject(each, 'state', 'terminated') !== undefined,
      );
    const reason =
      getString(status, 'state', 'waiting', 'reason') ?? getString(status, 'state', 'terminated', 'reason');
    if (reason === undefined || reason === 'Completed') continue;
    const logged = world.logs.some(
      (log) => log.component !== undefined && pod.name.startsWith(log.component),
    );
    const events = world.events.some((event) => event.object.endsWith(`/${pod.name}`));
    if (/CrashLoop|Error|OOM/.test(reason) && !logged)
      add(
        `Why does ${pod.name} end? Its last output says it.`,
        `kubectl logs ${pod.name}${space(pod)} --previous`,
      );
    else if (!events)
      add(
        `Why is ${pod.name} in ${reason}? Its events say it.`,
        `kubectl describe pod ${pod.name}${space(pod)}`,
      );
    if (found.length >= 3) break;
  }
  const [engine] = world.engines;
  const app = engine?.application ?? world.live.find(({ kind }) => kind === 'Application')?.name;
  const service = [...world.live, ...world.desired].find(({ kind }) => kind === 'Service');
  const file = world.files.find(({ kind }) => kind === 'kustomization');
  for (const { boundary, state } of reports) {
    if (state !== 'unknown') continue;
    if (boundary === 'artifact' && image !== undefined)
      add('Which digest does the registry answer for the image?', `crane digest ${image.image}`);
    if (boundary === 'intent')
      add(
        'What does Git ask for at the tracked revision, and since when?',
        file === undefined ? 'git log -n 5 --stat' : `git log -n 5 -p -- ${file.path}`,
      );
    if (boundary === 'render' && file !== undefined)
      add(
        'What do the manifests say once they are built?',
        `kustomize build ${file.path.replace(/\/?[^/]*$/, '') || '.'}`,
      );
    if (boundary === 'sync' && app !== undefined)
      add(
        'Did the controller apply that revision, all of it?',
        engine?.engine === 'Flux'
          ? `flux get all -A`
          : engine?.engine === 'Helm'
            ? `helm history ${app}${n}`
            : `argocd app get ${app}`,
      );
    if (boundary === 'live' && ref !== undefined)
      add('What does the API server store?', `kubectl get ${ref}${n} -o yaml`);
    if (boundary === 'health')
      add('Are the pods ready, and what do the events say?', `kubectl get pods,events${n}`);
    if (boundary === 'rollout' && !moved && (ref !== undefined || pods.length > 0))
      add(
        'Which digest does each pod run, and since when?',
        `kubectl get pods${n} -o custom-columns='POD:.metadata.name,CREATED:.metadata.creationTimestamp,IMAGE:.status.containerStatuses[*].imageID'`,
      );
    if (boundary === 'traffic')
      add(
        'Do ready pods stand behind the Service?',
        service === undefined
          ? `kubectl get services,endpointslices${n}`
          : `kubectl get endpointslices${space(service)} -l kubernetes.io/service-name=${service.name}`,
      );
  }
  return found.slice(0, MOST);
}
