import type { KubeObject } from '../../kube/index.ts';
import type { Reading } from '../reading.ts';
import type { Release } from '../artifact/index.ts';
import type { PodFacts } from '../workload.ts';
import type { Sample } from './prometheus.ts';
import type { BesideFacts } from './beside.ts';
import type { RouteFacts } from './routes.ts';
import type { Serving } from './served.ts';

/** What users should observe of a Service; `landfall.yaml` declares it, scrape annotations let it be discovered. */
export interface Observation {
  readonly service: string;
  /** Number or name of the Service's port. */
  readonly port: number | string;
  /** Nobody declared it: what it does not find is not applicable, and only a contradiction counts. */
  readonly discovered?: boolean;
  /** Path that has to answer with a status below 400. */
  readonly probe?: string;
  /** A gauge whose labels tell what runs. */
  readonly buildInfo?: {
    readonly path: string;
    readonly metric: string;
    /** Name of the label that holds the version, and of the one that holds the commit. */
    readonly version?: string;
    readonly commit?: string;
  };
  /** A counter whose failed share is compared with the release before. */
  readonly errors?: {
    readonly path: string;
    readonly metric: string;
    /** Labels to tell groups by; without them a bad group hides in the total. */
    readonly by?: readonly string[];
    /** Labels of a failed sample. */
    readonly failed: Readonly<Record<string, string>>;
    /** Samples a group needs before its share means anything. Default 100. */
    readonly minimumSamples?: number;
    /** How much a share may rise over the release before, 0 to 1. Default 0.05. */
    readonly maximumIncrease?: number;
  };
}

export interface Endpoint {
  /** Name of the pod behind it; undefined for an address that is no pod. */
  readonly pod: string | undefined;
  readonly address: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** Names of the Service's ports that lead to it, '' for a port without a name; undefined where it was not looked at. */
  readonly ports?: readonly string[];
  /** Numbers that those ports lead to, by name. */
  readonly numbers?: Readonly<Record<string, number>>;
}

/** A port of a Service behind which somebody was asked, and nobody listens. */
export interface RefusedPort {
  /** As the Service names it. */
  readonly port: string;
  readonly target: number;
  readonly pod: string;
  /** When the youngest container of a pod without a probe started, ISO 8601: it may be about to listen. */
  readonly startedAt: string | undefined;
}

/** A Service of the application and what stands behind it. */
export interface ServiceFacts {
  readonly object: KubeObject;
  readonly live: Reading<KubeObject>;
  readonly endpoints: Reading<readonly Endpoint[]>;
  /** Left out where nobody asked. */
  readonly refused?: readonly RefusedPort[];
}

export interface BuildInfoReading {
  readonly pod: string;
  readonly version: string | undefined;
  readonly commit: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** Share of failures in one group of requests, `channel=sms`; the group of all requests is named ''. */
export interface ErrorShare {
  /** Service and metric that were measured, in what is kept; undefined for what is measured now. */
  readonly of?: string;
  readonly group: string;
  readonly failed: number;
  readonly total: number;
}

/** What one observation gave. Each part is undefined where it was not asked for. */
export interface Observed {
  readonly observation: Observation;
  readonly url: string;
  readonly probe?: Reading<{ readonly status: number }>;
  readonly buildInfo?: Reading<readonly BuildInfoReading[]>;
  /** Why build information is missing of some of the pods, where it is. */
  readonly buildInfoMissing?: string;
  readonly errors?: Reading<readonly ErrorShare[]>;
  /** The application's own samples, added up over its pods; runtime and histogram details left out. */
  readonly samples: readonly Sample[];
}

/** Shares that were measured under the release before, by group. */
export interface ErrorBaseline {
  readonly release: string;
  readonly at: string;
  readonly shares: readonly ErrorShare[];
}

/** Everything that decides the boundary. */
export interface TrafficFacts {
  readonly services: readonly ServiceFacts[];
  /** Ingresses and routes that were rendered. */
  readonly routes?: readonly RouteFacts[];
  /** Pods of the stored templates of this application, ready or not, as `namespace/name`. */
  readonly expectedPods: ReadonlySet<string>;
  /** What is known of pods, as `namespace/name`. */
  readonly pods?: ReadonlyMap<string, PodFacts>;
  /** Pods of earlier templates of this application, as `namespace/name`. */
  readonly oldPods: ReadonlySet<string>;
  readonly observed: readonly Observed[];
  readonly release: Release;
  /** By name of a Service: the release of the image behind it, where that is another than the delivery's. */
  readonly releases?: ReadonlyMap<string, Release>;
  /** Services, as `namespace/name`, that select only workloads which declare zero pods. */
  readonly idle?: ReadonlySet<string>;
  /** Undefined where no release was measured before. */
  readonly baseline: Reading<ErrorBaseline> | undefined;
  /** False for an application without workloads: then its Services lead to pods of somebody else, on purpose. */
  readonly runsPods: boolean;
  /** False when the pods could not be read: then endpoints cannot be told right from wrong. */
  readonly podsKnown: boolean;
  /** Ms since the epoch, by the clock of the cluster. */
  readonly now?: number;
  /** Left out where which of several versions users get is nobody's question. */
  readonly serving?: Serving;
  /** Left out where the application has no routes. */
  readonly beside?: BesideFacts | undefined;
}
