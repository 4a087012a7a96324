import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JsonValue } from '../kernel/index.ts';
import { redact } from './redact.ts';

const VALUE = 'c2VjcmV0LXZhbHVl';

const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
const secret = fc.constantFrom<JsonValue>(
  { kind: 'Secret', apiVersion: 'v1', metadata: { name: 'db' }, data: { password: VALUE } },
  { kind: 'Secret', stringData: { password: VALUE } },
  { kind: 'Secret', object: { data: { password: VALUE } } },
  {
    kind: 'Secret',
    metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': VALUE } },
  },
  { object: { kind: 'Secret', name: 'db' }, fields: [{ field: '/data/password', old: VALUE, new: VALUE }] },
  { kind: 'Secret', changes: [{ path: 'stringData["a.b"]', value: { deep: [VALUE] } }] },
  JSON.stringify({ kind: 'Secret', data: { password: VALUE } }),
  JSON.stringify({ items: [{ data: { password: VALUE }, kind: 'Secret' }] }, null, 2),
  `apiVersion: v1\nkind: Secret\ndata:\n  password: ${VALUE}\n`,
);
const around = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    secret,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('items', 'live', 'wanted', 'spec', 'message'), tie('value'), {
      maxKeys: 4,
    }),
  ),
})).value;

it('lets no content of a Secret through, however deep it lies', () => {
  fc.assert(
    fc.property(around, secret, (value, one) => {
      expect(JSON.stringify(redact({ value, one }))).not.toContain(VALUE);
    }),
    { seed: 5, numRuns: 500 },
  );
});

it('leaves everything else as it is', () => {
  const value = {
    kind: 'ConfigMap',
    data: { kind: 'Secret agent' },
    list: [{ kind: 'Deployment', data: 1 }, 'a Secret is missing', { path: 'data.size', from: 1, to: 2 }],
    ref: { kind: 'Secret', name: 'db', result: 'changed' },
  };
  expect(redact(value)).toEqual(value);
});
