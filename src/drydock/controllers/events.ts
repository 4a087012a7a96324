import { randomInt } from 'node:crypto';
import type { Clock } from '../../kernel/index.ts';
import type { InProcessApi, KubeObject } from '../api/contract.ts';
import { EVENTS } from './objects.ts';
import { microTimestamp, timestamp } from './time.ts';

export type EventType = 'Normal' | 'Warning';

export interface EventDetails {
  /** `spec.containers{web}`: the part of the object that it is about. */
  readonly fieldPath?: string;
}

export interface EventRecorder {
  event(about: KubeObject, type: EventType, reason: string, message: string, details?: EventDetails): void;
  /** Resolves when everything recorded so far is written. */
  flushed(): Promise<void>;
}

export interface EventSource {
  readonly component: string;
  readonly host?: string;
}

const AGGREGATE_FROM = 10;
const AGGREGATE_WITHIN_MS = 600_000;
const BURST = 25;
const TOKEN_EVERY_MS = 300_000;
const KEPT_KEYS = 4096;
const MAX_PENDING = 20_000;

interface Seen {
  name: string;
  namespace: string;
  count: number;
}

/**
 * Writes core/v1 Events as client-go's recorder does: a repeated event raises the count of the first, from the tenth
 * message of one reason on they are combined, and 25 events of one object in a row are the limit (then one in 5 min).
 */
export function eventRecorder(api: InProcessApi, clock: Clock, source: EventSource): EventRecorder {
  const seen = new Map<string, Seen>();
  const similar = new Map<string, { messages: Set<string>; last: number }>();
  const buckets = new Map<string, { tokens: number; at: number }>();
  const pending: (() => Promise<void>)[] = [];
  let draining: Promise<void> | undefined;

  function allowed(objectKey: string): boolean {
    const now = clock.now();
    const bucket = buckets.get(objectKey) ?? { tokens: BURST, at: now };
    const refill = (now - bucket.at) / TOKEN_EVERY_MS;
    const tokens = Math.min(BURST, bucket.tokens + refill);
    keep(buckets, objectKey, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1;
  }

  function correlate(aggregateKey: string, message: string): { key: string; message: string } {
    const now = clock.now();
    let group = similar.get(aggregateKey);
    if (group === undefined || now - group.last > AGGREGATE_WITHIN_MS)
      group = { messages: new Set(), last: now };
    group.last = now;
    group.messages.add(message);
    keep(similar, aggregateKey, group);
    if (group.messages.size < AGGREGATE_FROM) return { key: `${aggregateKey}\n${message}`, message };
    const [oldest] = group.messages;
    if (oldest !== undefined) group.messages.delete(oldest);
    return { key: aggregateKey, message: `(combined from similar events): ${message}` };
  }

  async function write(
    about: KubeObject,
    type: EventType,
    reason: string,
    found: { key: string; message: string },
    at: number,
    fieldPath: string | undefined,
  ): Promise<void> {
    const namespace = about.metadata.namespace ?? 'default';
    const prior = seen.get(found.key);
    if (prior !== undefined && api.get(EVENTS, prior.namespace, prior.name) !== undefined) {
      prior.count += 1;
      await api.patch(
        EVENTS,
        prior.namespace,
        prior.name,
        'merge',
        { count: prior.count, lastTimestamp: timestamp(at), message: found.message },
        { fieldManager: source.component },
      );
      return;
    }
    const name = eventName(about.metadata.name, at);
    keep(seen, found.key, { name, namespace, count: 1 });
    await api.create(
      EVENTS,
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name, namespace },
        involvedObject: reference(about, fieldPath),
        reason,
        message: found.message,
        source: { ...source },
        firstTimestamp: timestamp(at),
        lastTimestamp: timestamp(at),
        count: 1,
        type,
        eventTime: null,
        reportingComponent: source.component,
        reportingInstance: source.host ?? '',
      },
      { fieldManager: source.component },
    );
  }

  async function drain(): Promise<void> {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      // An event that cannot be written (its namespace is going away) is lost, as in Kubernetes.
      await next().catch(() => {});
    }
    draining = undefined;
  }

  return {
    event(about, type, reason, message, details) {
      const { kind, apiVersion, metadata } = about;
      const objectKey = [kind, metadata.namespace, metadata.name, metadata.uid, apiVersion].join('\n');
      const at = clock.now();
      const found = correlate([objectKey, details?.fieldPath, type, reason].join('\n'), message);
      if (!allowed(objectKey) || pending.length >= MAX_PENDING) return;
      pending.push(() => write(about, type, reason, found, at, details?.fieldPath));
      draining ??= drain();
    },
    async flushed() {
      await draining;
    },
  };
}

/** An Event as the scheduler writes it (events.k8s.io semantics: eventTime instead of the two timestamps). */
export function schedulerEvent(
  about: KubeObject,
  now: number,
  type: EventType,
  reason: string,
  action: string,
  note: string,
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: eventName(about.metadata.name, now),
      namespace: about.metadata.namespace ?? 'default',
    },
    involvedObject: reference(about, undefined),
    reason,
    action,
    message: note,
    source: {},
    firstTimestamp: null,
    lastTimestamp: null,
    eventTime: microTimestamp(now),
    type,
    reportingComponent: 'default-scheduler',
    reportingInstance: 'default-scheduler-drydock',
  };
}

/** `web.18a3f0c2d1b4e5f6`: the object and nanoseconds in hex; chance stands for what is below a millisecond. */
function eventName(object: string, now: number): string {
  return `${object}.${(BigInt(Math.trunc(now)) * 1_000_000n + BigInt(randomInt(1_000_000))).toString(16)}`;
}

function reference(about: KubeObject, fieldPath: string | undefined) {
  const { name, namespace, uid, resourceVersion } = about.metadata;
  return {
    kind: about.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(uid === undefined ? {} : { uid }),
    apiVersion: about.apiVersion,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

function keep<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > KEPT_KEYS) {
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
}
