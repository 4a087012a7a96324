import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { NOW } from '../cluster.fixture.ts';
import type { Reading } from '../reading.ts';
import { ownBuildInfo } from './collect.ts';
import { decideTraffic } from './decide.ts';
import type {
  BuildInfoReading,
  Endpoint,
  ErrorBaseline,
  ErrorShare,
  Observation,
  TrafficFacts,
} from './facts.ts';
import { parsePrometheus } from './prometheus.ts';

const service = (spec: JsonObject = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 's', namespace: 'n' },
  spec: { selector: { app: 'a' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
});

const endpoint = (pod: string, change: Partial<Endpoint> = {}): Endpoint => ({
  pod,
  address: `10.0.0.${pod.length}`,
  ready: true,
  terminating: false,
  ...change,
});

function trafficOf(endpoints: readonly Endpoint[], change: Partial<TrafficFacts> = {}, object = service()) {
  const facts: TrafficFacts = {
    services: [
      { object, live: { state: 'read', value: object }, endpoints: { state: 'read', value: endpoints } },
    ],
    expectedPods: new Set(['n/p', 'n/q']),
    oldPods: new Set(),
    observed: [],
    release: { version: '2.5.0', commit: undefined, digest: undefined, pushedAt: undefined },
    baseline: undefined,
    runsPods: true,
    podsKnown: true,
    ...change,
  };
  const { state, reason, headline, detail } = decideTraffic(facts, NOW);
  return { said: `${state} ${reason}`, headline, detail };
}

describe('the endpoints of a Service', () => {
  it('are no proof where none of them has the port that the Service names', () => {
    expect(trafficOf([endpoint('p', { ports: [] })]).said).toBe('broken port-missing');
    expect(trafficOf([endpoint('p', { ports: ['http'] })]).said).toBe('proven endpoints');
    const some = [endpoint('p', { ports: [] }), endpoint('q', { ports: ['http'] })];
    expect(trafficOf(some).said).toBe('proven endpoints');
  });

  it('are counted once where a pod has an address of either family', () => {
    expect(trafficOf([endpoint('p'), endpoint('p', { address: '::1' })]).headline).toBe('1 endpoint');
  });

  it('are those of their own namespace: a pod of the same name elsewhere is a stranger', () => {
    expect(trafficOf([endpoint('p')], { expectedPods: new Set(['other/p']) }).said).toBe(
      'broken foreign-endpoints',
    );
  });

  it('are not wanted where all that the Service selects declares zero pods', () => {
    expect(trafficOf([], { idle: new Set(['n/s']) }).said).toBe('not-applicable no-pods-declared');
    expect(trafficOf([]).said).toBe('broken no-endpoints');
  });
});

describe('a Service without a pod of the application behind it', () => {
  it.each<[string, JsonObject, Partial<TrafficFacts>, readonly Endpoint[], string]>([
    [
      'has its endpoints kept by somebody',
      { selector: null },
      {},
      [endpoint('x')],
      'not-applicable no-selector',
    ],
    ['leads nowhere, without a selector', { selector: null }, {}, [], 'unknown no-endpoints'],
    ['is a name', { selector: null, type: 'ExternalName' }, {}, [], 'not-applicable no-selector'],
    ['leads to others', {}, { runsPods: false }, [endpoint('x')], 'not-applicable foreign-pods'],
    ['leads to others, of whom none is there', {}, { runsPods: false }, [], 'unknown no-endpoints'],
  ])('%s', (_, spec, change, endpoints, wanted) => {
    expect(trafficOf(endpoints, change, service(spec)).said).toBe(wanted);
  });
});

describe('a route', () => {
  const ingress = (backend: JsonObject, more: JsonObject = {}): KubeObject => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'i', namespace: 'n' },
    spec: { rules: [{ http: { paths: [{ path: '/', backend: { service: backend } }] } }], ...more },
  });
  const gateway = (...backendRefs: JsonObject[]): KubeObject => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'h', namespace: 'n' },
    spec: { rules: [{ backendRefs }] },
  });
  const absent = { state: 'absent', why: 'no such Service' } as const;
  const unread = { state: 'unreadable', why: 'forbidden', code: 'kube-denied' } as const;

  it.each<[string, KubeObject, string]>([
    ['by number', ingress({ name: 's', port: { number: 80 } }), 'proven endpoints'],
    ['by name', ingress({ name: 's', port: { name: 'http' } }), 'proven endpoints'],
    [
      'to a port that is not there',
      ingress({ name: 's', port: { number: 81 } }),
      'broken backend-port-missing',
    ],
    [
      'to a Service that is not there',
      ingress({ name: 'gone', port: { number: 80 } }),
      'broken backend-missing',
    ],
    [
      'to one by default that is not there',
      ingress({ name: 's', port: { number: 80 } }, { defaultBackend: { service: { name: 'gone' } } }),
      'broken backend-missing',
    ],
    ['to one that may not be read', ingress({ name: 'hidden' }), 'unknown backend-unreadable'],
    ['of a Gateway', gateway({ name: 's', port: 80 }), 'proven endpoints'],
    [
      'of a Gateway, to nothing',
      gateway({ name: 's', port: 80 }, { name: 'gone', port: 80 }),
      'broken backend-missing',
    ],
    [
      'of a Gateway, to nothing and without a share',
      gateway({ name: 's', port: 80 }, { name: 'gone', port: 80, weight: 0 }),
      'proven endpoints',
    ],
    [
      'of a Gateway, that gives everything to another',
      gateway({ name: 's', port: 80, weight: 0 }, { name: 'gone', port: 80, weight: 100 }),
      'broken no-share',
    ],
    [
      'of a Gateway, that shares with another',
      gateway({ name: 's', port: 80, weight: 0 }, { name: 's', port: 80, weight: 1 }),
      'proven endpoints',
    ],
    [
      'of a Gateway, to something that is no Service',
      gateway({ name: 's', port: 80 }, { group: 'example.com', kind: 'Bucket', name: 'gone' }),
      'proven endpoints',
    ],
  ])('%s', (_, object, wanted) => {
    const services = new Map<string, Reading<KubeObject>>([
      ['n/s', { state: 'read' as const, value: service() }],
      ['n/gone', absent],
      ['n/hidden', unread],
    ]);
    const routes = [{ object, live: { state: 'read' as const, value: object }, services }];
    expect(trafficOf([endpoint('p')], { routes }).said).toBe(wanted);
  });
});

const SENT: Observation = {
  service: 's',
  port: 80,
  errors: {
    path: '/metrics',
    metric: 'sent',
    failed: { status: 'failed' },
    by: ['channel'],
    minimumSamples: 10,
  },
};

function errorsOf(shares: readonly ErrorShare[], baseline: ErrorBaseline['shares']): string {
  return trafficOf([endpoint('p')], {
    observed: [{ observation: SENT, url: 'u', samples: [], errors: { state: 'read', value: shares } }],
    baseline: { state: 'read', value: { release: '1', at: NOW, shares: baseline } },
  }).said;
}

describe('an error rate', () => {
  it('is unknown when what was measured before cannot be read', () => {
    const shares = [{ group: '', failed: 5, total: 200 }];
    const { said } = trafficOf([endpoint('p')], {
      observed: [{ observation: SENT, url: 'u', samples: [], errors: { state: 'read', value: shares } }],
      baseline: { state: 'unreadable', why: 'the ledger is damaged', code: 'ledger-damaged' },
    });
    expect(said).toBe('unknown baseline-unreadable');
  });

  const before = [
    { group: '', failed: 5, total: 200 },
    { group: 'channel=sms', failed: 5, total: 100 },
  ];

  it('is unknown where the new release counts nothing at all', () => {
    expect(errorsOf([], before)).toBe('unknown few-samples');
  });

  it('is unknown for a group that the new release has not served yet', () => {
    expect(errorsOf([{ group: '', failed: 0, total: 100 }], before)).toBe('unknown few-samples');
  });

  it('is compared with what was measured of the same Service and metric', () => {
    const elsewhere = [{ group: 'channel=fax', failed: 0, total: 500, of: 'other/sent' }];
    const own = before.map((share) => ({ ...share, of: 's/sent' }));
    const now = before.map(({ group, total }) => ({ group, total, failed: 0 }));
    expect(errorsOf(now, [...own, ...elsewhere])).toBe('proven endpoints');
  });

  it('is not compared with a release that was measured too little', () => {
    const thin = [{ group: '', failed: 1, total: 2 }];
    expect(errorsOf([{ group: '', failed: 0, total: 100 }], thin)).toBe('proven endpoints');
  });
});

function buildInfoOf(
  readings: readonly Partial<BuildInfoReading>[],
  change: {
    readonly observation?: Partial<Observation>;
    readonly silent?: string;
  } & Partial<TrafficFacts> = {},
): string {
  const { observation, silent, ...facts } = change;
  return trafficOf([endpoint('p')], {
    observed: [
      {
        observation: {
          service: 's',
          port: 80,
          buildInfo: { path: '/m', metric: 'app_build_info' },
          ...observation,
        },
        url: 'u',
        samples: [],
        buildInfo: {
          state: 'read',
          value: readings.map((reading, index) => ({
            pod: `p${index}`,
            version: undefined,
            commit: undefined,
            labels: {},
            ...reading,
          })),
        },
        ...(silent === undefined ? {} : { buildInfoMissing: silent }),
      },
    ],
    ...facts,
  }).said;
}

describe('build information', () => {
  const nothing = { version: undefined, commit: undefined, digest: undefined, pushedAt: undefined };

  it('is compared with the image behind that Service, not with the one the delivery is named after', () => {
    const other = { ...nothing, version: '1.2.0' };
    expect(buildInfoOf([{ version: '1.2.0' }], { releases: new Map([['s', other]]) })).toBe(
      'proven endpoints',
    );
    expect(buildInfoOf([{ version: '2.5.0' }], { releases: new Map([['s', other]]) })).toBe(
      'broken wrong-version',
    );
  });

  it('that is declared proves nothing where the image names no release, and may be silent where it was found', () => {
    const releases = new Map([['s', nothing]]);
    expect(buildInfoOf([{ version: 'v7' }], { releases })).toBe('unknown release-unnamed');
    const observation = { discovered: true };
    expect(buildInfoOf([{ version: 'v7' }], { releases, observation })).toBe('proven endpoints');
  });

  it('counts the pods of every Service that tells it', () => {
    const reading = { version: '2.5.0', commit: undefined, labels: {} };
    const observed = ['s', 't'].map((name) => ({
      observation: { service: name, port: 80, buildInfo: { path: '/m', metric: 'app_build_info' } },
      url: 'u',
      samples: [],
      buildInfo: { state: 'read' as const, value: [{ ...reading, pod: name }] },
    }));
    expect(trafficOf([endpoint('p')], { observed }).detail).toBe('app_build_info on 2 of 2 pods, 1 endpoint');
  });

  it('is the same version with and without the v of a tag', () => {
    expect(buildInfoOf([{ version: 'v2.5.0' }])).toBe('proven endpoints');
  });

  it('breaks where one pod contradicts, though another said nothing', () => {
    const silent = 'q does not answer';
    expect(buildInfoOf([{ version: '2.3.1' }], { silent })).toBe('broken wrong-version');
    expect(buildInfoOf([{ version: '2.5.0' }], { silent })).toBe('unknown build-info-unreadable');
    expect(buildInfoOf([{ version: '2.5.0' }], { silent, observation: { discovered: true } })).toBe(
      'proven endpoints',
    );
  });

  it("that is discovered is the application's own, not that of its language or of a library", () => {
    const text = 'go_build_info{version="(devel)"} 1\napp_build_info{version="2.5.0"} 1';
    const wanted = { path: '/m', metric: '*_build_info' };
    expect(ownBuildInfo(parsePrometheus(text), wanted)?.labels).toEqual({ version: '2.5.0' });
    expect(
      ownBuildInfo(parsePrometheus('a_build_info{version="1"} 1\nb_build_info{version="2"} 1'), wanted),
    ).toBeUndefined();
  });
});
