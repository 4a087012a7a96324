import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { YamlNode } from './node.ts';
import { parseAnyYaml } from './parse.ts';
import { parseSimpleYaml } from './simple.ts';
import { YamlSource } from './source.ts';

const keys = ['a', 'name', 'x.y/z-1', '1', 'on', '$patch', '"q"', '', '-', '<<', '?', 'a b'];
const values = [
  '',
  'v',
  'two words ',
  '-1',
  '- x',
  '1.5',
  'yes',
  '~',
  'null',
  '/p',
  '(x)',
  'a#b',
  'a #c',
  'a: b',
  'a:',
  '"q"',
  '"q" ',
  '"a\\n"',
  '"open',
  "'s'",
  "'it''s'",
  '"a" b',
  '# only',
  '|',
  '|-',
  '|+',
  '|2',
  '| # c',
  '>',
  '>-',
  '{}',
  '[]',
  '[a, "b", 1]',
  '[a, ]',
  '[a,b]',
  '{a: 1, b: {c: []}}',
  '{a:1}',
  '{a: b c}',
  '{a: }',
  '{a, b}',
  '[a: 1]',
  '[',
  '{a: 1',
  '{a: 1}}',
  '[/x, -y]',
  '&n v',
  '*n',
  '!t v',
  '%x',
  '@x',
  '`x',
  '=',
  'é',
  '…',
  'http://x:80/y',
  'a:b',
  '::',
  '*',
  'x	y',
  '\xA0',
  '2020-01-01',
  '0x1F',
  '.',
  '...',
  '---',
  '- - a',
  '😀',
];
const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom(...keys), fc.constantFrom(...values)).map(([k, v]) => `${k}: ${v}`),
  },
  { weight: 2, arbitrary: fc.constantFrom(...keys).map((key) => `${key}:`) },
  { weight: 2, arbitrary: fc.constantFrom(...values).map((value) => `- ${value}`) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...keys), fc.constantFrom(...values)).map(([k, v]) => `- ${k}: ${v}`),
  },
  fc.constantFrom(
    '',
    ' ',
    '# comment',
    '---',
    '--- ',
    '--- x',
    '--- # c',
    '...',
    '%YAML 1.1',
    'text',
    '-',
    '"k": v',
  ),
);
const document = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom(0, 0, 0, 2, 2, 4, 1, 3, 6), line), { maxLength: 8 }),
    fc.constantFrom('\n', '', '\n\n', '\n  \n', ' '),
  )
  .map(([lines, end]) => lines.map(([indent, text]) => ' '.repeat(indent) + text).join('\n') + end);

function shape(node: YamlNode): unknown {
  const { kind, tag, value, style, offset, tagged, content } = node;
  return { kind, tag, value, style, offset, tagged, content: content.map(shape) };
}

function compare(text: string): boolean {
  const source = new YamlSource('t', text);
  const simple = parseSimpleYaml(source, 'yaml-1.2');
  if (simple === undefined) return false;
  const whole = parseAnyYaml(source, { words: 'yaml-1.2', duplicateKeys: 'keep', firstOnly: true });
  expect(simple.map(shape), text).toEqual(whole.map(shape));
  return true;
}

test('what the simple reader takes it reads as the parser does, and takes nothing that is wrong', () => {
  let taken = 0;
  fc.assert(
    fc.property(document, (text) => {
      if (compare(text)) taken++;
    }),
    { numRuns: 5000 },
  );
  expect(taken).toBeGreaterThan(500);
});

test('it takes what manifests are made of', () => {
  const manifest = `# a comment
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web, tier: "1"}

spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: app
        image: registry.corp.io:5000/web@sha256:abc
        args: ["--port", 80, '-v']
        command:
          - sh
          - -c
        env:
        - name: EMPTY
          value:
      nodeSelector: {}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  script: |
    first

      second
  last: |-
    only
`;
  expect(compare(manifest)).toBe(true);
});

test('it leaves to the parser what it does not know', () => {
  for (const text of [
    'a: &x 1\nb: *x\n',
    'a: >\n  x\n',
    'a: b\n  c\n',
    'a: "x\\ty"\n',
    '? a\n: b\n',
    'a:\tb\n',
  ]) {
    expect(compare(text), text).toBe(false);
  }
});
