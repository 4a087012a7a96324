import type { JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import type { DeleteOptions } from '../api/contract.ts';
import { ApiStatusError } from '../api/contract.ts';
import { asJson, mapAt, mapsAt, maybeMap, numberAt, stringAt } from '../kinds/json-access.ts';
import { deleteObject } from '../machinery/delete.ts';
import { mutableCopy, type Engine } from '../machinery/engine.ts';
import { timestamp } from '../machinery/object-meta.ts';
import { selectorMatchesLabels } from '../machinery/label-selectors.ts';
import { badRequest, conflict } from '../machinery/status-errors.ts';
import { requireEntry } from '../machinery/update.ts';
import type { WriteRequest } from '../machinery/write-request.ts';

/** Binds a pod to a node. Source: pkg/registry/core/pod/storage, assignPod. */
export async function bindPod(
  engine: Engine,
  request: WriteRequest,
  name: string,
  body: JsonValue,
): Promise<void> {
  const entry = requireEntry(engine, request.kind, request.namespace, name);
  const node = stringAt(maybeMap(isJsonObject(body) ? body : {}, 'target'), 'name');
  if (node === '') throw badRequest('a binding needs target.name');
  const next = mutableCopy(entry.object);
  const spec = mapAt(asJson(next), 'spec');
  const bound = stringAt(spec, 'nodeName');
  if (bound !== '') throw conflict(request.kind, name, `pod ${name} is already assigned to node "${bound}"`);
  if (next.metadata.deletionTimestamp !== undefined) {
    throw conflict(request.kind, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  spec.nodeName = node;
  const status = mapAt(asJson(next), 'status');
  status.conditions = [
    ...mapsAt(status, 'conditions').filter((condition) => condition.type !== 'PodScheduled'),
    {
      type: 'PodScheduled',
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: timestamp(engine.clock.now()),
    },
  ];
  if (request.dryRun) return;
  engine.store.put(request.kind.table, next);
  await engine.store.flushed();
}

/** Deletes a pod unless a disruption budget forbids it now. Source: pkg/registry/core/pod/storage/eviction.go. */
export async function evictPod(
  engine: Engine,
  request: WriteRequest,
  name: string,
  body: JsonValue,
): Promise<void> {
  const entry = requireEntry(engine, request.kind, request.namespace, name);
  const pod = asJson(entry.object);
  const given = maybeMap(isJsonObject(body) ? body : {}, 'deleteOptions');
  const grace = given?.gracePeriodSeconds;
  const options: DeleteOptions = typeof grace === 'number' ? { gracePeriodSeconds: grace } : {};
  const dryRun = request.dryRun || (Array.isArray(given?.dryRun) && given.dryRun.includes('All'));
  const phase = stringAt(maybeMap(pod, 'status'), 'phase');
  const runs = phase !== 'Succeeded' && phase !== 'Failed' && phase !== 'Pending';
  if (runs && entry.object.metadata.deletionTimestamp === undefined)
    takeDisruption(engine, request, entry.object.metadata.labels ?? {}, name, dryRun);
  await deleteObject(engine, { ...request, dryRun }, name, options);
}

function takeDisruption(
  engine: Engine,
  request: WriteRequest,
  labels: Readonly<Record<string, string>>,
  pod: string,
  dryRun: boolean,
): void {
  const budgets = [...engine.store.table('policy/poddisruptionbudgets').entries.values()].filter(
    (entry) =>
      entry.namespace === request.namespace &&
      selectorMatchesLabels(maybeMap(maybeMap(asJson(entry.object), 'spec'), 'selector'), labels),
  );
  if (budgets.length > 1) {
    throw new ApiStatusError(
      500,
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  const [entry] = budgets;
  if (entry === undefined) return;
  const status = maybeMap(asJson(entry.object), 'status') ?? {};
  const budget = entry.name;
  const healthy = numberAt(status, 'currentHealthy');
  const wanted = numberAt(status, 'desiredHealthy');
  const processed = numberAt(status, 'observedGeneration') >= (entry.object.metadata.generation ?? 0);
  if (!processed || numberAt(status, 'disruptionsAllowed') <= 0) {
    const message = processed
      ? `The disruption budget ${budget} needs ${wanted} healthy pods and has ${healthy} currently`
      : `The disruption budget ${budget} is still being processed by the server.`;
    throw new ApiStatusError(
      429,
      'TooManyRequests',
      "Cannot evict pod as it would violate the pod's disruption budget.",
      {
        causes: [{ reason: 'DisruptionBudget', message }],
        ...(processed ? {} : { retryAfterSeconds: 10 }),
      },
    );
  }
  if (dryRun) return;
  const next = mutableCopy(entry.object);
  const counted = mapAt(asJson(next), 'status');
  counted.disruptionsAllowed = numberAt(counted, 'disruptionsAllowed') - 1;
  counted.disruptedPods = { ...maybeMap(counted, 'disruptedPods'), [pod]: timestamp(engine.clock.now()) };
  engine.store.put('policy/poddisruptionbudgets', next);
}
