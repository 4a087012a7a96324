import type { JsonObject } from '../../kernel/index.ts';
import { getArray, getObject, getString, isJsonObject, jsonEqual } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson } from '../kinds/json-access.ts';
import { accepted, refused, resolvedRefs, stamped } from './conditions.ts';
import type { Decided } from './conditions.ts';
import { GATEWAY_CONTROLLER, speaksOther } from './gateways.ts';
import type { GatewayPlan, ListenerPlan, RoutePlan } from './gateways.ts';
import { GATEWAY_GROUP } from './world.ts';

/** Where a port is really served; undefined when it is not. */
export type ServedAt = (ip: string, port: number) => number | undefined;

function statusOf(object: KubeObject): JsonObject {
  return getObject(asJson(object), 'status') ?? {};
}

export function gatewayClassStatus(known: KubeObject, now: string): JsonObject {
  const conditions = stamped(
    [accepted('Gateways of this class are served on this machine')],
    statusOf(known),
    known.metadata.generation ?? 0,
    now,
  );
  return { ...statusOf(known), conditions };
}

function programmed(plan: ListenerPlan, ip: string, servedAt: ServedAt): Decided {
  const type = 'Programmed';
  if (plan.refused !== undefined)
    return { type, status: 'False', reason: 'Invalid', message: plan.refused.message };
  const port = servedAt(ip, plan.port);
  if (port === undefined) {
    return {
      type,
      status: 'False',
      reason: 'Pending',
      message: `nothing can listen at ${ip}:${plan.port}`,
    };
  }
  const message =
    port === plan.port
      ? `served at ${ip}:${port}`
      : `served at ${ip}:${port}, since port ${plan.port} cannot be opened by this user`;
  return { type, status: 'True', reason: 'Programmed', message };
}

function listenerConditions(plan: ListenerPlan, ip: string, servedAt: ServedAt): Decided[] {
  const conflict = plan.refused?.reason.endsWith('Conflict') === true ? plan.refused : undefined;
  return [
    plan.refused?.reason === 'UnsupportedProtocol'
      ? refused(plan.refused.reason, plan.refused.message)
      : conflict === undefined
        ? accepted('the listener is valid')
        : refused('PortUnavailable', conflict.message),
    conflict === undefined
      ? {
          type: 'Conflicted',
          status: 'False',
          reason: 'NoConflicts',
          message: 'no other listener is in the way',
        }
      : { type: 'Conflicted', status: 'True', reason: conflict.reason, message: conflict.message },
    resolvedRefs(plan.unresolved),
    programmed(plan, ip, servedAt),
  ];
}

export function gatewayStatus(
  { gateway, listeners }: GatewayPlan,
  ip: string,
  servedAt: ServedAt,
  now: string,
): JsonObject {
  const before = statusOf(gateway);
  const generation = gateway.metadata.generation ?? 0;
  const known = getArray(before, 'listeners').filter(isJsonObject);
  const invalid = listeners.filter(({ refused: problem }) => problem !== undefined);
  const conditions: Decided[] = [
    invalid.length === 0
      ? accepted('the Gateway is served on this machine')
      : {
          type: 'Accepted',
          status: invalid.length === listeners.length ? 'False' : 'True',
          reason: 'ListenersNotValid',
          message: `listener ${invalid[0]?.name ?? ''}: ${invalid[0]?.refused?.message ?? ''}`,
        },
    gatewayProgrammed(listeners, ip, servedAt),
  ];
  return {
    addresses: [{ type: 'IPAddress', value: ip }],
    conditions: stamped(conditions, before, generation, now),
    listeners: listeners.map((plan) => ({
      name: plan.name,
      supportedKinds:
        speaksOther(plan) || plan.unresolved?.reason === 'InvalidRouteKinds'
          ? []
          : [{ group: GATEWAY_GROUP, kind: 'HTTPRoute' }],
      attachedRoutes: plan.attached,
      conditions: stamped(
        listenerConditions(plan, ip, servedAt),
        known.find((entry) => entry.name === plan.name),
        generation,
        now,
      ),
    })),
  };
}

function gatewayProgrammed(listeners: readonly ListenerPlan[], ip: string, servedAt: ServedAt): Decided {
  const all = listeners.map((plan) => programmed(plan, ip, servedAt));
  const served = [...new Set(all.filter(({ status }) => status === 'True').map(({ message }) => message))];
  if (served.length > 0) {
    return { type: 'Programmed', status: 'True', reason: 'Programmed', message: served.join('; ') };
  }
  return {
    type: 'Programmed',
    status: 'False',
    reason: 'Invalid',
    message: all[0]?.message ?? 'the Gateway has no listener',
  };
}

/** The status of a route: what other controllers wrote stays. */
export function routeStatus({ route, parents }: RoutePlan, now: string): JsonObject {
  const before = getArray(asJson(route), 'status', 'parents').filter(isJsonObject);
  const ours = (entry: JsonObject) => getString(entry, 'controllerName') === GATEWAY_CONTROLLER;
  const others = before.filter((entry) => !ours(entry));
  return {
    parents: [
      ...others,
      ...parents.map(({ parentRef, conditions }): JsonObject => {
        const known = before.find((entry) => ours(entry) && jsonEqual(entry.parentRef ?? null, parentRef));
        return {
          parentRef,
          controllerName: GATEWAY_CONTROLLER,
          conditions: stamped(conditions, known, route.metadata.generation ?? 0, now),
        };
      }),
    ],
  };
}

/** The ports are named where they are not 80 and 443. */
export function ingressStatus(ip: string, servedAt: ServedAt): JsonObject {
  const wanted = [80, 443];
  const ports = wanted.flatMap((port) => servedAt(ip, port) ?? []);
  const usual = wanted.every((port, index) => ports[index] === port);
  return {
    loadBalancer: {
      ingress: [{ ip, ...(usual ? {} : { ports: ports.map((port) => ({ port, protocol: 'TCP' })) }) }],
    },
  };
}
