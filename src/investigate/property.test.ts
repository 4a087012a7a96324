import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { investigate } from './answer.ts';
import { artifactOf } from './open.ts';
import { worldOf } from './world-of.ts';

/** Valid artifacts, whose objects are known. */
const ARTIFACTS = [
  `$ kubectl get pods -n shop
NAME                    READY   STATUS             RESTARTS      AGE
cart-7f6b9c8d5c-2xkqp   0/1     CrashLoopBackOff   6 (45s ago)   7m
cart-7f6b9c8d5c-9zt7w   1/1     Running            0             3d
`,
  `$ kubectl describe pod cart-7f6b9c8d5c-2xkqp -n shop
Name:             cart-7f6b9c8d5c-2xkqp
Namespace:        shop
Status:           Running
Controlled By:  ReplicaSet/cart-7f6b9c8d5c
Containers:
  cart:
    Image:          corp.io/cart:1.0.0
    State:          Waiting
      Reason:       CrashLoopBackOff
    Ready:          False
Conditions:
  Type              Status
  Ready             False
Events:
  Type     Reason   Age               From     Message
  ----     ------   ----              ----     -------
  Warning  BackOff  45s (x6 over 6m)  kubelet  Back-off restarting failed container cart
`,
  `apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: cart
        image: corp.io/cart:1.0.0
`,
  `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Service","metadata":{"name":"cart","namespace":"shop"},"spec":{"selector":{"app":"cart"},"ports":[{"port":80}]}}]}
`,
  `http_requests_total{code="200"} 12
http_requests_total{code="500"} 3
`,
  `2024-11-20T09:20:04Z ERROR cannot connect to db
{"level":"info","msg":"ready","ts":"2024-11-20T10:00:00Z"}
`,
  `commit 4f2e1d0a4f2e1d0a4f2e1d0a4f2e1d0a4f2e1d0a (HEAD -> main)
Author: A <a@corp.io>
Date:   Wed Nov 20 10:00:00 2024 +0000

    Change the tag

diff --git a/k.yaml b/k.yaml
--- a/k.yaml
+++ b/k.yaml
-  newTag: 1.0.0
+  newTag: 1.1.0
`,
] as const;

const KNOWN = new Set(['cart', 'cart-7f6b9c8d5c-2xkqp', 'cart-7f6b9c8d5c-9zt7w']);

const mangled = fc
  .array(fc.tuple(fc.integer({ min: 0, max: ARTIFACTS.length - 1 }), fc.integer({ min: 0, max: 100 })), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) =>
    parts
      .map(([index, share]) => {
        const text = ARTIFACTS[index] ?? '';
        return text.slice(0, Math.ceil((text.length * share) / 100));
      })
      .join('\n'),
  );

describe('whatever is cut off or mixed', () => {
  it('never throws, and invents no object: a name is a known one or a cut-off part of it', () => {
    fc.assert(
      fc.property(mangled, (text) => {
        const { world } = worldOf(artifactOf('mixed.txt', text).artifacts);
        for (const { name, kind } of [...world.live, ...world.desired]) {
          expect(kind).toMatch(/^(?:Pod|Deployment|Service)$/);
          expect(KNOWN.has(name) || [...KNOWN].some((known) => known.startsWith(name))).toBe(true);
        }
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it('answers within the contract on any text at all', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 300, unit: 'binary' }), mangled), (text) => {
        const answer = investigate(artifactOf('x', text).artifacts);
        expect(['landed', 'broken', 'moving', 'unproven']).toContain(answer.verdict.state);
        for (const { confidence } of answer.findings) expect(confidence >= 0 && confidence <= 1).toBe(true);
      }),
      { seed: 6, numRuns: 200 },
    );
  });
});
