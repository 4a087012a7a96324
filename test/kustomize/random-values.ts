import * as fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../src/kernel/index.ts';

/** Random names, texts and metadata, odd ones included. */

const names = ['web', 'api', 'db', 'web-2'] as const;
const namespaces = ['', 'shop', 'default', 'ops'] as const;
const words = [
  'yes',
  'on',
  'null',
  '1',
  '0x1F',
  '1e3',
  'true',
  'a b',
  ' lead',
  'x: y',
  '#c',
  "it's",
  '"q"',
  '',
  '~',
  '12:30:45',
  '2020-01-01',
  'é😀',
  '=',
  '<<',
  '-',
  '- a',
  'a\nb\n',
  'tab\there',
  '%p',
  '@x',
  '*z',
  '&w',
  '!t',
  '0755',
  '1_000',
  '.5',
  'y',
  '$(V)',
  'x-$(W)-$(V)',
  '$$(V)',
] as const;
const long =
  'the quick brown fox jumps over the lazy dog and then some more words to fold the line at eighty columns';

export const name = fc.constantFrom(...names);
export const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('v1', 'prod', 'x-1', 'hello world') },
  fc.constantFrom(...words),
  fc.constant(long),
  fc.string({ maxLength: 12 }),
);
const labelValue = fc.constantFrom('a', 'b', '1', 'true', 'v1.2');
export const labels = fc.dictionary(fc.constantFrom('app', 'tier', 'app.kubernetes.io/name'), labelValue, {
  maxKeys: 2,
});
export const image = fc.constantFrom(
  'nginx',
  'nginx:1.19',
  'redis@sha256:abc',
  'reg.io:5000/team/app:2',
  'reg.io/team/app',
  'busybox:1.0@sha256:123',
);
export const scalar: fc.Arbitrary<JsonValue> = fc.oneof(
  text,
  fc.integer({ min: -5, max: 100000 }),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(1.5, 123456789.123, 1e21, 1e-7),
);
export const metadata = (kindName: fc.Arbitrary<string> = name) =>
  fc.record({
    name: kindName,
    namespace: fc.constantFrom(...namespaces),
    labels: fc.option(labels, { nil: undefined }),
    annotations: fc.option(fc.dictionary(fc.constantFrom('note', 'owner'), text, { maxKeys: 2 }), {
      nil: undefined,
    }),
  });

export function clean(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, each]) => each !== undefined && !(key === 'namespace' && each === ''))
      .map(([key, each]) => [
        key,
        typeof each === 'object' && each !== null && !Array.isArray(each) ? clean(each) : each,
      ]),
  );
}
