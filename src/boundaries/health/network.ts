import { getArray, getIn, getObject, getString } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { endpointsOf } from '../traffic/index.ts';
import type { Endpoint } from '../traffic/index.ts';
import type { Reading } from '../reading.ts';
import { declaredReplicas, isWorkload, podTemplate, selects } from '../workload.ts';
import type { PodFacts } from '../workload.ts';
import { deadlineAfter, until } from './facts.ts';
import type { HealthSubject, ObjectHealth, Surroundings } from './facts.ts';
import { keepsOld } from './workload.ts';

/** Without a pod to wait for, ready endpoints will not come: a selector that is wrong shows within this time. */
const NO_POD_SECONDS = 60;

function labelsOf(template: KubeObject): Readonly<Record<string, string>> {
  return (getObject(podTemplate(template), 'metadata', 'labels') ?? {}) as Readonly<Record<string, string>>;
}

function podKeys(subject: HealthSubject, which: 'current' | 'old'): readonly string[] {
  return subject.pods?.state === 'read' ? subject.pods.value[which].map((pod) => pod.name) : [];
}

function selectorText(selector: Readonly<Record<string, unknown>>): string {
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(',');
}

interface Selected {
  readonly behind: readonly HealthSubject[];
  readonly pods: Reading<readonly PodFacts[]>;
}

function selected(subject: HealthSubject, live: KubeObject, around: Surroundings): Selected {
  const selector = getObject(live, 'spec', 'selector');
  const { namespace = 'default' } = live.metadata;
  const pods = around.pods(namespace);
  return {
    behind: (subject.beside ?? []).filter(
      ({ object }) =>
        isWorkload(object) &&
        (object.metadata.namespace ?? 'default') === namespace &&
        selects(selector, labelsOf(object)),
    ),
    pods:
      pods.state === 'read'
        ? { state: 'read', value: pods.value.filter((pod) => selects(selector, pod.labels)) }
        : pods,
  };
}

/**
 * A Service is usable when a ready endpoint stands behind it: one of the release, where the workloads behind it are
 * judged too. Argo CD and kstatus call it healthy without any.
 */
export function serviceHealth(subject: HealthSubject, live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const { around } = subject;
  if (around === undefined)
    return {
      state: 'not-applicable',
      reason: 'passive',
      text: `${name} is judged by what stands behind it, at traffic`,
    };
  if (getString(live, 'spec', 'type') === 'ExternalName')
    return {
      state: 'not-applicable',
      reason: 'external-name',
      text: `${name} is a name for ${getString(live, 'spec', 'externalName') ?? 'another host'}`,
    };
  const selector = getObject(live, 'spec', 'selector');
  if (selector === undefined || Object.keys(selector).length === 0)
    return {
      state: 'not-applicable',
      reason: 'no-selector',
      text: `${name} selects no pods; somebody else keeps its endpoints`,
    };
  const { namespace = 'default' } = live.metadata;
  const slices = around.endpointSlices(namespace);
  if (slices.state !== 'read')
    return {
      state: 'unknown',
      reason: 'endpoints-unreadable',
      text: `the endpoints of ${name} were not read: ${slices.why}`,
    };
  const unready = getIn(live, 'spec', 'publishNotReadyAddresses') === true;
  const endpoints = endpointsOf(live, slices.value).filter((endpoint) => endpoint.ready || unready);
  const { behind, pods } = selected(subject, live, around);
  if (endpoints.length === 0) {
    if (behind.length > 0 && behind.every(({ object }) => declaredReplicas(object) === 0))
      return {
        state: 'not-applicable',
        reason: 'zero-declared',
        text: `${name} selects pods of which zero are declared`,
      };
    const none = pods.state === 'read' && pods.value.length === 0;
    const what = {
      reason: 'no-endpoints',
      text: `${name} has no ready endpoint (selector ${selectorText(selector)}${none ? ' matches no pod' : ''})`,
    };
    const deadline =
      none && behind.length === 0 ? deadlineAfter(live, NO_POD_SECONDS) : deadlineOf(live, pods);
    return until(what, deadline, now);
  }
  const wrong = behind.length === 0 ? undefined : notOfRelease(name, endpoints, behind);
  if (wrong !== undefined) return until(wrong, deadlineOf(live, pods), now);
  if (
    getString(live, 'spec', 'type') === 'LoadBalancer' &&
    !getArray(live, 'status', 'loadBalancer', 'ingress').some(isAddress)
  )
    return {
      state: 'unknown',
      reason: 'no-address',
      text: `${name} has ${endpoints.length} endpoints and no address from a load balancer yet`,
    };
  const count = new Set(endpoints.map((endpoint) => endpoint.pod ?? endpoint.address)).size;
  return {
    state: 'proven',
    reason: 'endpoints',
    text: `${name} has ${count} ready endpoint${count === 1 ? '' : 's'}`,
  };
}

/** Endpoints that are not pods of the stored templates, unless those before them are kept on purpose. */
function notOfRelease(
  name: string,
  endpoints: readonly Endpoint[],
  behind: readonly HealthSubject[],
): { readonly reason: string; readonly text: string } | undefined {
  const kept = behind.some(({ live }) => live.state === 'read' && keepsOld(live.value));
  const old = new Set(kept ? [] : behind.flatMap((other) => podKeys(other, 'old')));
  const own = new Set(
    behind.flatMap((other) => [...podKeys(other, 'current'), ...(kept ? podKeys(other, 'old') : [])]),
  );
  const byOld = endpoints.filter((endpoint) => endpoint.pod !== undefined && old.has(endpoint.pod));
  if (byOld.length > 0)
    return {
      reason: 'old-endpoints',
      text: `${byOld.length} of ${endpoints.length} endpoints of ${name} are pods of an earlier template`,
    };
  return endpoints.some((endpoint) => own.has(endpoint.pod ?? ''))
    ? undefined
    : {
        reason: 'foreign-endpoints',
        text: `none of the ${endpoints.length} endpoints of ${name} is a pod of this release`,
      };
}

/** Pods that start late take their Service with them. */
function deadlineOf(live: KubeObject, pods: Reading<readonly PodFacts[]>): number {
  const starts = pods.state === 'read' ? pods.value.map((pod) => Date.parse(pod.createdAt) || 0) : [];
  const newest = Math.max(0, ...starts);
  return Math.max(deadlineAfter(live), newest + 600_000);
}

/** An entry that names nothing is no address. */
function isAddress(entry: JsonValue): boolean {
  return (getString(entry, 'hostname') ?? getString(entry, 'ip') ?? '') !== '';
}

const DEFAULT_CLASS = 'ingressclass.kubernetes.io/is-default-class';

/** An Ingress has an address once a controller has taken it; without a controller there is nobody to give one. */
export function ingressHealth(subject: HealthSubject, live: KubeObject): ObjectHealth {
  const name = objectName(live);
  const [first] = getArray(live, 'status', 'loadBalancer', 'ingress').filter(isAddress);
  if (first !== undefined) {
    const address = getString(first, 'hostname') ?? getString(first, 'ip') ?? '';
    return { state: 'proven', reason: 'address', text: `${name} is reached at ${address}` };
  }
  if (subject.around === undefined)
    return { state: 'not-applicable', reason: 'passive', text: `${name} is judged by what it leads to` };
  const named =
    getString(live, 'spec', 'ingressClassName') ?? live.metadata.annotations?.['kubernetes.io/ingress.class'];
  const classes = subject.around.ingressClasses();
  if (classes.state !== 'read')
    return {
      state: 'unknown',
      reason: 'no-address',
      text: `${name} has no address; which controllers there are was not read`,
    };
  const claims =
    named === undefined
      ? classes.value.some((each) => each.metadata.annotations?.[DEFAULT_CLASS] === 'true')
      : classes.value.some((each) => each.metadata.name === named);
  if (named === undefined && !claims)
    return {
      state: 'not-applicable',
      reason: 'no-controller',
      text: `${name} names no class, and no IngressClass is the default: no controller takes it`,
    };
  return {
    state: 'unknown',
    reason: claims ? 'no-address' : 'class-missing',
    text: claims
      ? `${name} has no address from its controller${named === undefined ? '' : ` (${named})`} yet`
      : `${name} names the class ${named ?? ''}, which no IngressClass has`,
  };
}

/** The Services that a webhook configuration calls: one without a ready endpoint refuses writes, or lets all through. */
export function webhookHealth(subject: HealthSubject, live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const { around } = subject;
  const hooks = getArray(live, 'webhooks');
  if (around === undefined || hooks.every((hook) => getObject(hook, 'clientConfig', 'service') === undefined))
    return { state: 'not-applicable', reason: 'passive', text: `${name} needs nothing to become usable` };
  for (const hook of hooks) {
    const service = getObject(hook, 'clientConfig', 'service');
    const namespace = getString(service, 'namespace');
    const called = getString(service, 'name');
    if (namespace === undefined || called === undefined) continue;
    const hookName = getString(hook, 'name') ?? '';
    if ((getString(hook, 'clientConfig', 'caBundle') ?? '') === '')
      return until(
        {
          reason: 'no-ca-bundle',
          text: `${name}: ${hookName} has no caBundle, so the API server cannot trust ${namespace}/${called}`,
        },
        deadlineAfter(live, NO_POD_SECONDS),
        now,
      );
    const slices = around.endpointSlices(namespace);
    if (slices.state !== 'read')
      return {
        state: 'unknown',
        reason: 'endpoints-unreadable',
        text: `the endpoints of ${namespace}/${called}, which ${name} calls, were not read`,
      };
    const target = { apiVersion: 'v1', kind: 'Service', metadata: { name: called, namespace } };
    if (endpointsOf(target, slices.value).some((endpoint) => endpoint.ready)) continue;
    const effect =
      getString(hook, 'failurePolicy') === 'Ignore'
        ? 'its checks are skipped'
        : 'it refuses every write that it is asked about';
    return until(
      {
        reason: 'no-endpoints',
        text: `${name}: ${hookName} calls ${namespace}/${called}, which has no ready endpoint: ${effect}`,
      },
      deadlineAfter(live),
      now,
    );
  }
  return {
    state: 'proven',
    reason: 'endpoints',
    text: `${name}: every Service that it calls has ready endpoints`,
  };
}
