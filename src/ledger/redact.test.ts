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
    list: [
      { kind: 'Deployment', data: 1 },
      'a Secret is missing',
      'kind: Secret, name: db',
      { path: 'data.size', from: 1, to: 2 },
    ],
    ref: { kind: 'Secret', name: 'db', result: 'changed' },
  };
  expect(redact(value)).toEqual(value);
});

it('leaves the keys of a Secret, and what a plan shows instead of its values', () => {
  const field = { field: 'data.password', before: '(hidden 0a1b2c3d)', where: 'deploy/secret.yaml:7' };
  const whole = { field: 'data', after: { password: '(hidden 0a1b2c3d)', user: '(hidden 4e5f6071)' } };
  const plan = { objects: [{ kind: 'Secret', name: 'db', action: 'change', fields: [field, whole] }] };
  expect(redact(plan)).toEqual(plan);
  expect(redact({ kind: 'Secret', data: { password: VALUE, user: VALUE } })).toEqual({
    kind: 'Secret',
    data: { password: '(left out)', user: '(left out)' },
  });
});
