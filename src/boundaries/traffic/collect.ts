import {
  asLandfallError,
  getArray,
  getIn,
  getNumber,
  getObject,
  getString,
  mapBounded,
  textOf,
} from '../../kernel/index.ts';
import type { KubeClient, KubeObject, ProxyTarget } from '../../kube/index.ts';
import { backendsOf, isRoute } from '../backends.ts';
import { read, readingOfError } from '../reading.ts';
import type { Reading } from '../reading.ts';
import { objectKey } from '../live/index.ts';
import type { ClusterSnapshot } from '../live/index.ts';
import { errorShares } from './errors.ts';
import type { BuildInfoReading, Endpoint, Observation, Observed, ServiceFacts } from './facts.ts';
import { ownSamples, parsePrometheus } from './prometheus.ts';
import type { RouteFacts } from './routes.ts';
import type { Sample } from './prometheus.ts';

const TIMEOUT_MS = 5_000;
const MAX_METRICS_BYTES = 4 * 1024 * 1024;
/** Pods asked for their metrics; where a Service has more, what the rest say is not known. */
const MAX_PODS = 100;
const AT_ONCE = 8;

/** The endpoints of a Service, by the slices that name it. */
export function endpointsOf(
  service: { readonly metadata: { readonly name: string } },
  slices: readonly KubeObject[],
): readonly Endpoint[] {
  return slices
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name)
    .flatMap((slice) => {
      const named = getArray(slice, 'ports').map(
        (port) => [getString(port, 'name') ?? '', getNumber(port, 'port')] as const,
      );
      const ports = named.map(([name]) => name);
      const numbers = Object.fromEntries(
        named.flatMap(([name, number]) => (number === undefined ? [] : [[name, number]])),
      );
      return getArray(slice, 'endpoints').map((endpoint) => ({ endpoint, ports, numbers }));
    })
    .flatMap(({ endpoint, ports, numbers }) =>
      getArray(endpoint, 'addresses').map((address) => ({
        pod:
          getString(endpoint, 'targetRef', 'kind') === 'Pod'
            ? getString(endpoint, 'targetRef', 'name')
            : undefined,
        address: textOf(address),
        // Absent means ready: discovery.k8s.io/v1 EndpointConditions.
        ready: getIn(endpoint, 'conditions', 'ready') !== false,
        terminating: getIn(endpoint, 'conditions', 'terminating') === true,
        ports,
        numbers,
      })),
    );
}

/** The Services that were rendered, with what stands behind them. */
export function serviceFacts(
  rendered: readonly KubeObject[],
  snapshot: ClusterSnapshot,
): readonly ServiceFacts[] {
  return rendered
    .filter((object) => object.kind === 'Service' && object.apiVersion === 'v1')
    .map((object) => {
      const live = snapshot.objects.get(objectKey(object)) ?? {
        state: 'unreadable' as const,
        why: 'not read',
        code: 'not-read',
      };
      const slices = snapshot.namespaces.get(object.metadata.namespace ?? '')?.endpointSlices;
      const endpoints: Reading<readonly Endpoint[]> =
        slices === undefined
          ? { state: 'unreadable', why: 'EndpointSlices were not read.', code: 'not-read' }
          : slices.state === 'read'
            ? read(endpointsOf(object, slices.value))
            : slices;
      return { object, live, endpoints };
    });
}

/** The Ingresses and routes that were rendered, with the Services that they lead to. */
export function routeFacts(
  rendered: readonly KubeObject[],
  snapshot: ClusterSnapshot,
): readonly RouteFacts[] {
  const unread = { state: 'unreadable' as const, why: 'not read', code: 'not-read' };
  return rendered.filter(isRoute).map((object) => {
    const live = snapshot.objects.get(objectKey(object)) ?? unread;
    const backends = live.state === 'read' ? backendsOf(live.value) : [];
    return {
      object,
      live,
      services: new Map(
        backends.map(({ namespace, name }) => {
          const service = { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace } };
          return [`${namespace}/${name}`, snapshot.objects.get(objectKey(service)) ?? unread] as const;
        }),
      ),
    };
  });
}

/** Observations that scrape annotations on rendered Services and pod templates give away, where none are declared. */
export function discoverObservations(rendered: readonly KubeObject[]): readonly Observation[] {
  const services = rendered.filter((object) => object.kind === 'Service' && object.apiVersion === 'v1');
  return services.flatMap((service) => {
    const port = getArray(service, 'spec', 'ports')[0];
    const number = getIn(port, 'port');
    const own = service.metadata.annotations ?? {};
    const template = rendered.find((object) => {
      const labels = getObject(object, 'spec', 'template', 'metadata', 'labels');
      const selector = Object.entries(getObject(service, 'spec', 'selector') ?? {});
      return (
        labels !== undefined && selector.length > 0 && selector.every(([key, value]) => labels[key] === value)
      );
    });
    const annotations = { ...getObject(template, 'spec', 'template', 'metadata', 'annotations'), ...own };
    if (annotations['prometheus.io/scrape'] !== 'true' || typeof number !== 'number') return [];
    const path =
      typeof annotations['prometheus.io/path'] === 'string' ? annotations['prometheus.io/path'] : '/metrics';
    return [
      {
        service: service.metadata.name,
        port: number,
        discovered: true,
        buildInfo: { path, metric: '*_build_info', version: 'version', commit: 'commit' },
      },
    ];
  });
}

async function answer(
  client: KubeClient,
  target: ProxyTarget,
  signal: AbortSignal | undefined,
): Promise<Reading<{ status: number; body: string }>> {
  try {
    const { status, body } = await client.proxyGet(
      target,
      { timeoutMs: TIMEOUT_MS, maxBytes: MAX_METRICS_BYTES },
      signal,
    );
    return read({ status, body });
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' && signal?.aborted) throw error;
    // Over a proxy "not found" is about the way there: nothing was learnt about the application.
    return { ...readingOfError(error), state: 'unreadable' };
  }
}

async function metricsOf(
  client: KubeClient,
  target: ProxyTarget,
  signal: AbortSignal | undefined,
): Promise<Reading<string>> {
  const got = await answer(client, target, signal);
  if (got.state !== 'read') return got;
  return got.value.status === 200
    ? read(got.value.body)
    : {
        state: 'unreadable',
        why: `${target.path} of ${target.name} answered ${got.value.status}`,
        code: 'metrics-status',
      };
}

/** Of a language, a runtime or a client library, not of the application. */
const FOREIGN_BUILD_INFO = /^(?:go|python|nodejs|jvm|dotnet|rust|promhttp|otel)_/;

/**
 * The sample that tells what an application is. A metric that begins with `*` is looked for by its end; where several
 * fit, none of them is known to be the application's own.
 */
export function ownBuildInfo(
  samples: readonly Sample[],
  observation: NonNullable<Observation['buildInfo']>,
): Sample | undefined {
  if (!observation.metric.startsWith('*'))
    return samples.find((sample) => sample.name === observation.metric && sample.value > 0);
  const suffix = observation.metric.slice(1);
  const found = samples.filter(
    ({ name, value }) => name.endsWith(suffix) && value > 0 && !FOREIGN_BUILD_INFO.test(name),
  );
  return new Set(found.map(({ name }) => name)).size === 1 ? found[0] : undefined;
}

/** The port of the container behind a Service port, as the pods' own port: number, or the name resolved in the pod. */
function targetPort(service: KubeObject, port: number | string): number | string {
  const found = getArray(service, 'spec', 'ports').find(
    (item) => getIn(item, 'port') === port || getString(item, 'name') === port,
  );
  const target = getIn(found, 'targetPort') ?? getIn(found, 'port');
  return typeof target === 'number' || typeof target === 'string' ? target : port;
}

function podPort(
  service: KubeObject,
  port: number | string,
  slices: Reading<readonly KubeObject[]> | undefined,
): number | undefined {
  const target = targetPort(service, port);
  if (typeof target === 'number') return target;
  const list = slices?.state === 'read' ? slices.value : [];
  const slice = list.find(
    (item) => item.metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name,
  );
  const servicePort = getArray(service, 'spec', 'ports').find(
    (item) => getIn(item, 'port') === port || getString(item, 'name') === port,
  );
  const name = getString(servicePort, 'name') ?? '';
  const match =
    getArray(slice, 'ports').find((item) => (getString(item, 'name') ?? '') === name) ??
    getArray(slice, 'ports')[0];
  const number = getIn(match, 'port');
  return typeof number === 'number' ? number : undefined;
}

/**
 * Looks at what users get, through the API server's proxy: the probe by the Service, build information and counters
 * on every ready endpoint of it, since one pod of three may be the wrong one.
 */
export async function observe(
  client: KubeClient,
  observations: readonly Observation[],
  services: readonly ServiceFacts[],
  snapshot: ClusterSnapshot,
  signal?: AbortSignal,
): Promise<readonly Observed[]> {
  return mapBounded(observations, 2, async (observation): Promise<Observed> => {
    const service = services.find((candidate) => candidate.object.metadata.name === observation.service);
    const namespace = service?.object.metadata.namespace ?? '';
    const path = observation.buildInfo?.path ?? observation.errors?.path ?? observation.probe ?? '/';
    const url = `http://${observation.service}.${namespace}:${observation.port}${path}`;
    const nothing = (why: string): Reading<never> => ({ state: 'unreadable', why, code: 'not-observed' });
    if (service === undefined) {
      const why = `no Service ${observation.service} is rendered for this application`;
      return {
        observation,
        url,
        samples: [],
        ...(observation.probe === undefined ? {} : { probe: nothing(why) }),
        ...(observation.buildInfo === undefined ? {} : { buildInfo: nothing(why) }),
        ...(observation.errors === undefined ? {} : { errors: nothing(why) }),
      };
    }
    const probe =
      observation.probe === undefined
        ? undefined
        : await answer(
            client,
            {
              namespace,
              kind: 'Service',
              name: observation.service,
              port: observation.port,
              path: observation.probe,
            },
            signal,
          );
    const live = service.live.state === 'read' ? service.live.value : service.object;
    const port = podPort(live, observation.port, snapshot.namespaces.get(namespace)?.endpointSlices);
    const ready =
      service.endpoints.state === 'read'
        ? service.endpoints.value.filter((endpoint) => endpoint.ready && endpoint.pod !== undefined)
        : [];
    const all = [...new Set(ready.map((endpoint) => endpoint.pod ?? ''))];
    const pods = all.slice(0, MAX_PODS);
    const unasked =
      all.length > pods.length
        ? `${pods.length} of ${all.length} pods were asked, which is the most`
        : undefined;
    const paths = [
      ...new Set(
        [observation.buildInfo?.path, observation.errors?.path].filter((item) => item !== undefined),
      ),
    ];
    const texts = new Map<string, readonly { readonly pod: string; readonly text: Reading<string> }[]>();
    for (const item of paths) {
      texts.set(
        item,
        port === undefined
          ? []
          : await mapBounded(pods, AT_ONCE, async (pod) => ({
              pod,
              text: await metricsOf(client, { namespace, kind: 'Pod', name: pod, port, path: item }, signal),
            })),
      );
    }
    return {
      observation,
      url,
      samples: ownSamples(
        [...texts.values()]
          .flat()
          .flatMap(({ text }) => (text.state === 'read' ? parsePrometheus(text.value) : [])),
      ),
      ...(probe === undefined
        ? {}
        : { probe: probe.state === 'read' ? read({ status: probe.value.status }) : probe }),
      ...(observation.buildInfo === undefined
        ? {}
        : readBuildInfo(observation.buildInfo, texts.get(observation.buildInfo.path) ?? [], unasked)),
      ...(observation.errors === undefined
        ? {}
        : { errors: readErrors(observation.errors, texts.get(observation.errors.path) ?? []) }),
    };
  });
}

type Texts = readonly { readonly pod: string; readonly text: Reading<string> }[];

function readBuildInfo(
  observation: NonNullable<Observation['buildInfo']>,
  texts: Texts,
  unasked: string | undefined,
): Pick<Observed, 'buildInfo' | 'buildInfoMissing'> {
  const none = (why: string, code: string) => ({ state: 'unreadable' as const, why, code });
  if (texts.length === 0) return { buildInfo: none('no ready endpoint to ask', 'no-endpoint') };
  const readings: BuildInfoReading[] = [];
  let missing: Exclude<Reading<never>, { readonly state: 'read' }> | undefined;
  for (const { pod, text } of texts) {
    if (text.state !== 'read') {
      missing ??= text;
      continue;
    }
    const sample = ownBuildInfo(parsePrometheus(text.value), observation);
    if (sample === undefined) {
      missing ??= none(`${pod} does not expose it`, 'metric-missing');
      continue;
    }
    readings.push({
      pod,
      version: sample.labels[observation.version ?? 'version'],
      commit: sample.labels[observation.commit ?? 'commit'],
      labels: sample.labels,
    });
  }
  if (readings.length === 0 && missing !== undefined) return { buildInfo: missing };
  const why = missing?.why ?? unasked;
  return { buildInfo: read(readings), ...(why === undefined ? {} : { buildInfoMissing: why }) };
}

function readErrors(
  observation: NonNullable<Observation['errors']>,
  texts: Texts,
): Reading<ReturnType<typeof errorShares>> {
  if (texts.length === 0)
    return { state: 'unreadable', why: 'no ready endpoint to ask', code: 'no-endpoint' };
  const samples: Sample[] = [];
  for (const { text } of texts) {
    if (text.state !== 'read') return text;
    samples.push(...parsePrometheus(text.value, observation.metric));
  }
  return read(errorShares(samples, observation));
}
