import { describe, expect, it } from 'vitest';
import { getArray, getString, parseYaml } from '../../kernel/index.ts';
import { addPatch, mergePatch } from './add-patch.ts';
import { editEnvLine, editLiteral } from './edit-generator.ts';
import { editLine } from './edit-line.ts';

describe('the value on one line', () => {
  it.each([
    [
      'plain, with a comment',
      'spec:\n  replicas: 3 # for now\n',
      2,
      3,
      5,
      'spec:\n  replicas: 5 # for now\n',
    ],
    ['in quotes, which stay', "a: 'x'\nb: 1\n", 1, 'x', 'y', "a: 'y'\nb: 1\n"],
    [
      'in a flow map',
      'env: [{ name: A, value: web }]\n',
      1,
      'web',
      'job',
      'env: [{ name: A, value: job }]\n',
    ],
    [
      'with carriage returns',
      'spec:\r\n  replicas: 3\r\n  x: 1\r\n',
      2,
      3,
      5,
      'spec:\r\n  replicas: 5\r\n  x: 1\r\n',
    ],
    [
      'inside of an inline patch',
      'patches:\n- patch: |-\n    - op: replace\n      path: /spec/replicas\n      value: 3\n',
      5,
      3,
      5,
      'patches:\n- patch: |-\n    - op: replace\n      path: /spec/replicas\n      value: 5\n',
    ],
    [
      'a block text, with its comment and what follows',
      'data:\n  A: | # why\n    x\n\n    y\n\n  B: 1\n',
      2,
      'x\n\ny\n',
      'x\nz\n',
      'data:\n  A: | # why\n    x\n    z\n\n  B: 1\n',
    ],
    [
      'a folded text, by the lines that were meant',
      'data:\n  A: >-\n    x\n    y\n',
      2,
      'x y',
      'x\ny',
      'data:\n  A: |-\n    x\n    y\n',
    ],
    ['a text that would read as a number', 'a: x\n', 1, 'x', '12', 'a: "12"\n'],
    ['a text that has YAML in it', 'a: x\n', 1, 'x', '- b: #c', 'a: "- b: #c"\n'],
  ] as const)('is replaced: %s', (_how, text, line, from, to, wanted) => {
    expect(editLine(text, 'f.yaml', line, { from, to })).toBe(wanted);
  });

  it.each([
    ['another value stands there', 'a: 4\n', 1, 3],
    ['two of them stand there', 'a: { b: 3, c: 3 }\n', 1, 3],
    ['it is an alias', 'x: &x 3\na: *x\n', 2, 3],
    ['the line is not there', 'a: 3\n', 9, 3],
    ['the file does not parse', 'a: [3\n', 1, 3],
  ] as const)('is left alone when %s', (_why, text, line, from) => {
    expect(editLine(text, 'f.yaml', line, { from, to: 5 })).toBeUndefined();
  });
});

describe('what a generator reads', () => {
  const change = { key: 'MODE', from: 'fast', to: 'slow' };

  it.each([
    ['plain', '- MODE=fast # why', '- MODE=slow # why'],
    ['in quotes', '- "MODE=fast"', '- "MODE=slow"'],
    ['with quotes around the value', "- MODE='fast'", '- MODE=slow'],
  ])('a literal is changed where it stands: %s', (_how, line, wanted) => {
    const text = `configMapGenerator:\n- name: a\n  literals:\n  ${line}\n  - B=1\n`;
    expect(editLiteral(text, 'kustomization.yaml', 4, change)).toBe(text.replace(line, wanted));
  });

  it.each([
    ['another line', 5, change],
    ['another value', 4, { ...change, from: 'slow' }],
    ['a value that has lines', 4, { ...change, to: 'a\nb' }],
    ['a value that reads as a comment', 4, { ...change, to: 'a #b' }],
  ] as const)('and left alone: %s', (_why, line, other) => {
    const text = 'configMapGenerator:\n- name: a\n  literals:\n  - MODE=fast\n  - B=1\n';
    expect(editLiteral(text, 'kustomization.yaml', line, other)).toBeUndefined();
  });

  it('a line of an env file keeps the others, comments and line ends', () => {
    const text = '# how\r\nMODE=fast\r\nLEVEL=info\r\n';
    expect(editEnvLine(text, 2, change)).toBe('# how\r\nMODE=slow\r\nLEVEL=info\r\n');
    expect(editEnvLine(text, 3, change)).toBeUndefined();
  });
});

describe('one more patch', () => {
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: {} };
  const patch = mergePatch(object, 'web', ['spec', 'replicas'], 5) ?? {};

  it.each([
    [
      'behind the last one, before the key and the comment that follow',
      'patches:\n- path: a.yaml\n\n# images of ours\nimages: []\n',
      /a\.yaml\n- patch: \|-\n {4}apiVersion: apps\/v1[^]*replicas: 5\n\n# images of ours\nimages: \[\]\n$/,
    ],
    [
      'at the end, where there is none yet',
      'resources: [a.yaml]',
      /resources: \[a\.yaml\]\npatches:\n {2}- patch: \|-\n/,
    ],
    [
      'with the indentation of the others',
      'patches:\n    - path: a.yaml\n',
      /\n {4}- patch: \|-\n {8}apiVersion/,
    ],
  ] as const)('stands %s', (_where, text, wanted) => {
    const edited = addPatch(text, 'kustomization.yaml', patch) ?? '';
    expect(edited).toMatch(wanted);
    const [last] = getArray(parseYaml(edited, 'edited')[0], 'patches').slice(-1);
    expect(parseYaml(getString(last, 'patch') ?? '', 'patch')).toEqual([patch]);
  });

  it.each([
    'patches: [{ path: a.yaml }]\n',
    '{patches: []}\n',
    'a: 1\n---\nb: 2\n',
    'patches: &p\n- path: a\nx: *p\ny: 1\n...\n',
  ])('is refused where there is no safe place: %j', (text) => {
    expect(addPatch(text, 'kustomization.yaml', patch)).toBeUndefined();
  });

  it('names the items of lists, and gives up where they have no name', () => {
    const pod = { ...object, spec: { containers: [{ name: 'api', args: ['a'] }] } };
    expect(mergePatch(pod, 'web', ['spec', 'containers', 0, 'image'], 'x')).toMatchObject({
      spec: { containers: [{ name: 'api', image: 'x' }] },
    });
    expect(mergePatch(pod, 'web', ['spec', 'containers', 0, 'args', 0], 'x')).toBeUndefined();
  });
});
