import { getArray, getString } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import { quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';
import type { View } from './view.ts';

const ROUTES = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'] as const;

/** TRA-05: routes that are not attached, references that are not resolved. Source: Gateway API conditions. */
function routes(view: View): Draft[] {
  const base = (
    thing: Thing,
    title: string,
    why: string,
    claims: Draft['claims'],
    confidence: number,
  ): Draft => ({
    failure: 'TRA-05',
    id: thing.kind === 'Gateway' ? 'gateway-not-programmed' : 'route-not-attached',
    boundary: 'traffic',
    title,
    confidence,
    why: [why],
    claims,
    misleading: [['the object exists', 'generic readers call a route without a status current']],
    now: [
      'Correct parentRef, listener, backend or ReferenceGrant, in Git.',
      `kubectl describe ${thing.kind.toLowerCase()} ${thing.name}${thing.n}`,
    ],
    lasting: [
      'A rule of readiness for routes: every parent accepted, every reference resolved, for this generation.',
    ],
    verify: [`kubectl get ${thing.kind.toLowerCase()} ${thing.name}${thing.n} -o jsonpath='{.status}'`],
    can: 'commit',
    space: thing.namespace,
  });
  const fromRoutes = view.kind(...ROUTES).flatMap((thing): Draft[] => {
    const parents = thing.list('status', 'parents');
    if (parents.length === 0)
      return thing.whole && thing.list('spec', 'parentRefs').length > 0
        ? [
            base(
              thing,
              `${thing.id}: no gateway has taken the route`,
              'Its status names no parent: the gateway is not there, or the reference names another group, kind or namespace.',
              [view.about('traffic', thing, 'status.parents', 'none', 'spec', 'parentRefs')],
              0.85,
            ),
          ]
        : [];
    return parents.flatMap((parent, index) =>
      getArray(parent, 'conditions').flatMap((item, at): Draft[] =>
        getString(item, 'status') === 'False' &&
        /^(?:Accepted|ResolvedRefs)$/.test(getString(item, 'type') ?? '')
          ? [
              base(
                thing,
                `${thing.id}: ${getString(item, 'type') ?? ''} is False, ${getString(item, 'reason') ?? ''}`,
                quote(getString(item, 'message') ?? 'The gateway says no more.'),
                [
                  view.about(
                    'traffic',
                    thing,
                    getString(item, 'type') ?? '',
                    getString(item, 'reason') ?? '',
                    'status',
                    'parents',
                    index,
                    'conditions',
                    at,
                  ),
                ],
                0.96,
              ),
            ]
          : [],
      ),
    );
  });
  const fromGateways = view.kind('Gateway').flatMap((thing): Draft[] =>
    [
      ...thing.list('status', 'conditions'),
      ...thing.list('status', 'listeners').flatMap((item) => getArray(item, 'conditions') as JsonObject[]),
    ].flatMap((item): Draft[] =>
      getString(item, 'status') === 'False' &&
      /^(?:Accepted|Programmed|ResolvedRefs)$/.test(getString(item, 'type') ?? '') &&
      getString(item, 'reason') !== 'Pending'
        ? [
            {
              ...base(
                thing,
                `${thing.id}: ${getString(item, 'type') ?? ''} is False, ${getString(item, 'reason') ?? ''}`,
                quote(getString(item, 'message') ?? ''),
                [
                  view.about(
                    'traffic',
                    thing,
                    getString(item, 'type') ?? '',
                    getString(item, 'reason') ?? '',
                    'status',
                  ),
                ],
                0.94,
              ),
              ...(getString(item, 'reason') === 'InvalidCertificateRef'
                ? { failure: 'TRA-12', id: 'tls-secret-missing' }
                : {}),
            },
          ]
        : [],
    ),
  );
  return [...fromRoutes, ...fromGateways];
}

/** TRA-05, TRA-12: routes and gateways by their conditions. */
export const gatewayRule: WorldRule = (view) => [...routes(view)];
