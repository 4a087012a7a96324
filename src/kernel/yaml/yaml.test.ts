import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LandfallError } from '../errors.ts';
import { parseYaml, parseYamlDocuments, stringifyYaml } from './index.ts';

function failure(text: string, options = {}): LandfallError {
  try {
    parseYamlDocuments(text, { source: 'a.yaml', ...options });
  } catch (error) {
    if (error instanceof LandfallError) return error;
  }
  throw new Error(`nothing was refused in ${JSON.stringify(text)}`);
}

test('a node knows its file, line and column', () => {
  const [document] = parseYamlDocuments('kind: A\nspec:\n  replicas: 3\n  image: "x"\n', {
    source: 'a.yaml',
  });
  const spec = document?.get('spec');
  expect(spec?.get('replicas')?.where).toBe('a.yaml:3:13');
  expect(spec?.get('image')?.where).toBe('a.yaml:4:10');
});

test('documents without content are left out', () => {
  expect(parseYaml('---\n# only a comment\n---\na: 1\n---\n', 'a.yaml')).toEqual([{ a: 1 }]);
});

test.each([
  ['010', 8],
  ['0x1F', 31],
  ['1_000', 1000],
  ['08', 8],
  ['1.10', 1.1],
  ['yes', true],
  ['~', null],
  ['2020-01-01', '2020-01-01T00:00:00Z'],
  ['12:30:45', '12:30:45'],
  ['1.2.3', '1.2.3'],
  ["'yes'", 'yes'],
  ['!!str 1', '1'],
])('%s is read as kubectl reads it', (text, value) => {
  expect(parseYaml(`v: ${text}\n`, 'a.yaml')).toEqual([{ v: value }]);
});

test('aliases and merge keys are expanded, and written fields win', () => {
  expect(parseYaml('a: &x {p: 1, q: 2}\nb: *x\nc:\n  <<: *x\n  q: 3\n', 'a.yaml')).toEqual([
    { a: { p: 1, q: 2 }, b: { p: 1, q: 2 }, c: { q: 3, p: 1 } },
  ]);
});

test.each([
  ['brackets that close below their key', 'a:\n  b: [\n    x,\n  ]\n  c: {\n}\n', { a: { b: ['x'], c: {} } }],
  [
    'brackets inside of brackets',
    'a: {\n  b: [\n{c: 1},\n# d\n[\n2\n]]\n}\ne: 3\n',
    { a: { b: [{ c: 1 }, [2]] }, e: 3 },
  ],
  [
    'quotes that go on further left',
    'a:\n    b: "x\n y"\n    c: \'p\n\n q\'\n',
    { a: { b: 'x y', c: 'p\nq' } },
  ],
])('%s are read as kubectl reads them', (_, text, value) => {
  expect(parseYaml(text, 'a.yaml')).toEqual([value]);
  expect(parseYaml(text.replaceAll('\n', '\r\n'), 'a.yaml')).toEqual([value]);
});

test('what stands behind such brackets has its own place, in messages too', () => {
  const text = 'a:\n  b: [\n  x\n  ]\n  c: [\n]\n  d: {e: last}\n';
  const [document] = parseYamlDocuments(text, { source: 'a.yaml' });
  expect(document?.get('a')?.get('b')?.content[0]?.where).toBe('a.yaml:3:3');
  expect(document?.get('a')?.get('d')?.get('e')?.where).toBe('a.yaml:7:10');
  expect(failure(`${text}f: [\n]\n g: 1\n`).message).toContain('a.yaml:10:2');
});

test.each([
  ['a document that begins inside of brackets', 'a:\n  b: [\n---\n  ]\n', 3],
  ['a tab in front of a bracket', 'a:\n  b: [\n  \t]\n', 3],
])('%s is refused', (_, text, line) => {
  expect(failure(text)).toMatchObject({ code: 'yaml-syntax' });
  expect(failure(text).message).toContain(`a.yaml:${line}:`);
});

test('thousands of such brackets are read in time, or refused', () => {
  const text = Array.from({ length: 2000 }, (_, index) => `k${index}:\n  v: [\n  ]\n`).join('');
  const started = performance.now();
  try {
    expect(Object.keys(parseYaml(text, 'a.yaml')[0] ?? {})).toHaveLength(2000);
  } catch (error) {
    expect(error).toBeInstanceOf(LandfallError);
  }
  expect(performance.now() - started).toBeLessThan(60_000);
});

test('a merge key takes a map that is written in its place', () => {
  expect(parseYaml('a: {<<: {p: 1, q: 2}, q: 3}\nb:\n  <<: [{p: 1}, {p: 2, r: 4}]\n', 'a.yaml')).toEqual([
    { a: { q: 3, p: 1 }, b: { p: 1, r: 4 } },
  ]);
  for (const value of ['x', '', '[x]']) {
    expect(failure(`a:\n  <<: ${value}\n`)).toMatchObject({ code: 'yaml-merge' });
  }
  expect(parseYaml('a: <<\n', 'a.yaml')).toEqual([{ a: '<<' }]);
});

test.each(['\x7f', '\x01', '\x80', '\uFFFE'])('%j is refused, in a comment too', (character) => {
  expect(failure(`a: 1\n# ${character}\n`).message).toBe('a.yaml:2:3: control characters are not allowed');
  expect(failure(`a: "${character}"\n`).code).toBe('yaml-syntax');
});

test('a key called __proto__ is a field like any other', () => {
  const [value] = parseYaml('__proto__: {polluted: true}\n', 'a.yaml');
  expect(Object.keys(value ?? {})).toEqual(['__proto__']);
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});

test.each([
  ['a: [1\nb', 'yaml-syntax', 2],
  ['a: 1\nb: 2\na: 3\n', 'yaml-duplicate-key', 3],
  ['a: *nowhere\n', 'yaml-alias', 1],
  ['a: &a [*a]\n', 'yaml-alias-cycle', 1],
  ['a: 1\nb: \0\n', 'yaml-syntax', 2],
])('%j is refused with its line', (text, code, line) => {
  const error = failure(text);
  expect(error).toMatchObject({ kind: 'invalid-input', code });
  expect(error.message).toMatch(new RegExp(`^a\\.yaml:${line}:`));
});

test('aliases cannot blow up, nesting and size are bounded', () => {
  const rows = ['a0: &a0 [x,x,x,x,x,x,x,x,x]'];
  for (let i = 1; i < 12; i++) rows.push(`a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`);
  expect(failure(`${rows.join('\n')}\n`).code).toBe('yaml-alias-limit');
  expect(failure('['.repeat(5000)).code).toBe('yaml-syntax');
  expect(failure('a: 1\n', { limits: { maxLength: 3 } }).code).toBe('yaml-too-large');
});

test('what is printed reads back as the same value', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.string({ unit: fc.constantFrom(' ', 'a', '\n', ':', '#', "'", '"', '-', '\t', '1', 'é') }),
      fc.constantFrom('yes', 'n', '1', '0x1', '1:30', 'null', '~', '', '2020-01-01', '.5', '<<', '='),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('any')),
      fc.dictionary(fc.string(), tie('any')),
    ),
  })).any;
  fc.assert(
    fc.property(value, (any) => {
      const object = { any } as Parameters<typeof stringifyYaml>[0];
      expect(parseYaml(stringifyYaml(object), 'a.yaml')).toEqual([JSON.parse(JSON.stringify(object))]);
    }),
    { numRuns: 500 },
  );
});
