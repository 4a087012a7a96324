import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { addedByHand } from './by-hand.ts';

const route = (manager: string | undefined, ...backendRefs: readonly JsonObject[]): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: {
    name: 'web',
    namespace: 'shop',
    managedFields:
      manager === undefined
        ? []
        : [{ manager, operation: 'Update', fieldsV1: { 'f:spec': { 'f:rules': {} } } }],
  },
  spec: { rules: [{ backendRefs: [...backendRefs] }] },
});

describe('the shares of a route', () => {
  const asked = route(undefined, { name: 'web', port: 80 });
  const changed = [
    { name: 'web', port: 80, weight: 0 },
    { name: 'left', port: 80, weight: 100 },
  ];

  it('are changed where a person gives the requests to another', () => {
    expect(addedByHand(asked, route('kubectl-edit', ...changed))).toHaveLength(1);
  });

  it('are left to the controllers that shift them, and are the same where the default is written out', () => {
    expect(addedByHand(asked, route('argo-rollouts-controller', ...changed))).toEqual([]);
    expect(addedByHand(asked, route('kubectl-edit', { name: 'web', port: 80, weight: 1 }))).toEqual([]);
  });
});
