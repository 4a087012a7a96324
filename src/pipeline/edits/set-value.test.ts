import { describe, expect, test } from 'vitest';
import { applyEdits } from '../yaml-edit.ts';
import { setValue, valueAt } from './set-value.ts';
import { parseValuePath } from './value-path.ts';

function set(text: string, path: string, value = 'v2'): string {
  return applyEdits(text, setValue({ text, file: 'values.yaml', path: parseValuePath(path), value }));
}

function check(before: string, path: string, after: string, value = 'v2'): void {
  expect(set(before, path, value)).toBe(after);
  expect(set(after, path, value)).toBe(after);
  expect(valueAt(after, 'values.yaml', parseValuePath(path))).toBe(value);
}

describe('a value that is there', () => {
  test.each([
    [
      'with its comment',
      'image:\n  # the tag\n  tag: v1   # now\nx: 1\n',
      'image.tag',
      'image:\n  # the tag\n  tag: v2   # now\nx: 1\n',
    ],
    ['in its quotes', `image: {tag: 'v1', x: "1"}\n`, 'image.tag', `image: {tag: 'v2', x: "1"}\n`],
    ['with carriage returns', 'a:\r\n  tag: v1\r\nb: 1\r\n', 'a.tag', 'a:\r\n  tag: v2\r\nb: 1\r\n'],
    [
      'of an item of a list',
      'images:\n- tag: v1\n- tag: v1\n',
      'images[1].tag',
      'images:\n- tag: v1\n- tag: v2\n',
    ],
    ['of an item without a map', 'args: [v1, "v1"]\n', 'args[1]', 'args: [v1, "v2"]\n'],
    ['of an item in a block', 'args:\n  - v1 # one\n  - b\n', 'args.0', 'args:\n  - v2 # one\n  - b\n'],
    ['under a key with dots', 'a.b/c:\n  tag: v1\n', '"a.b/c".tag', 'a.b/c:\n  tag: v2\n'],
    ['under a key with dots in brackets', 'x:\n  a.b: v1\n', 'x["a.b"]', 'x:\n  a.b: v2\n'],
    ['under an escaped key', 'x:\n  a.b: v1\n', String.raw`x.a\.b`, 'x:\n  a.b: v2\n'],
    ['under a number', 'root:\n    0: v1\n', 'root.:0', 'root:\n    0: v2\n'],
    ['that is an alias: what it pointed to stays', 'a: &a v1\nb: *a # x\n', 'b', 'a: &a v1\nb: v2 # x\n'],
  ])('is replaced %s', (_, before, path, after) => check(before, path, after));

  test('gets quotes where it would be read as a number', () => {
    check('tag: 1.9\n', 'tag', 'tag: "1.10"\n', '1.10');
    check('tag: 1.10 # a number\n', 'tag', 'tag: "1.10" # a number\n', '1.10');
    check('tag: v1\n', 'tag', 'tag: "12e5"\n', '12e5');
  });
});

describe('a value that is missing', () => {
  test.each([
    [
      'behind its siblings',
      'image:\n  name: x # n\n\nother: 1\n',
      'image.tag',
      'image:\n  name: x # n\n  tag: v2\n\nother: 1\n',
    ],
    [
      'before a comment that leads on',
      'a:\n  b: 1\n# next\nc: 1\n',
      'a.tag',
      'a:\n  b: 1\n  tag: v2\n# next\nc: 1\n',
    ],
    [
      'behind a block text with # in it',
      'a:\n  b: |\n    x\n    # y\nc: 1\n',
      'a.tag',
      'a:\n  b: |\n    x\n    # y\n  tag: v2\nc: 1\n',
    ],
    ['with the maps that lead to it', 'a: 1\n', 'image.app.tag', 'a: 1\nimage:\n  app:\n    tag: v2\n'],
    ['as deep as the file indents', 'a:\n    b: 1\n', 'a.c.tag', 'a:\n    b: 1\n    c:\n        tag: v2\n'],
    ['in an empty file', '', 'image.tag', 'image:\n  tag: v2\n'],
    ['behind the comments of a file that has nothing else', '# ours\n', 'tag', '# ours\ntag: v2\n'],
    ['where a key has no value', 'image: # none\nx: 1\n', 'image.tag', 'image: # none\n  tag: v2\nx: 1\n'],
    ['where a key says null', 'image: null # none\n', 'image.tag', 'image: {tag: v2} # none\n'],
    ['in empty braces', 'image: {}\n', 'image.tag', 'image: {tag: v2}\n'],
    ['in braces', 'image: { name: x }\n', 'image.tag', 'image: { name: x, tag: v2 }\n'],
    [
      'in braces over several lines',
      '{\n  "a": {"b": "}"}\n}\n',
      'a.tag',
      '{\n  "a": {"b": "}", tag: v2}\n}\n',
    ],
    ['without a line break at the end', 'a:\n  b: 1', 'a.tag', 'a:\n  b: 1\n  tag: v2'],
    ['with carriage returns', 'a:\r\n  b: 1\r\n', 'a.tag', 'a:\r\n  b: 1\r\n  tag: v2\r\n'],
    ['in a list, with its dashes', 'l:\n- a: 1\nx: 1\n', 'l[1].tag', 'l:\n- a: 1\n- tag: v2\nx: 1\n'],
    ['as one more item', 'l:\n  - a\n  - b', 'l.-1', 'l:\n  - a\n  - b\n  - v2'],
    ['as one more item in brackets', 'l: [a]\n', 'l.[1]', 'l: [a, v2]\n'],
    ['before the end of the document', 'a:\n  b: 1\n...\n', 'a.tag', 'a:\n  b: 1\n  tag: v2\n...\n'],
  ])('comes in %s', (_, before, path, after) => {
    expect(set(before, path)).toBe(after);
  });
});

describe('what cannot be set alone is refused', () => {
  test.each([
    ['an anchor on the value', 'a: &a v1\nb: *a\n', 'a', /:1:7: .*anchor/],
    ['an alias on the way', 'x: &x {tag: v1}\nimage: *x\n', 'image.tag', /image is an alias/],
    ['a map that is used elsewhere, too', 'x: &x\n  tag: v1\nimage: *x\n', 'x.tag', /altered more/],
    ['a merge key', 'x: &x {tag: v1}\nimage:\n  <<: *x\n', 'image.tag', /merge key|altered more/],
    ['a text in the place of a map', 'image: v1\n', 'image.tag', /image is a text/],
    ['a map in the place of the value', 'image: {tag: 1}\n', 'image', /a map or a list in its place/],
    ['a key in a list', 'l: [a]\n', 'l.name', /'name' is no index/],
    ['an index in a map', 'm: {a: 1}\n', 'm[0]', /m is a map/],
    ['a value over several lines', 'tag: |\n  v1\n', 'tag', /several lines/],
    ['two documents', 'a: 1\n---\nb: 1\n', 'a', /2 documents/],
  ])('%s', (_, text, path, message) => expect(() => set(text, path)).toThrow(message));

  test.each([
    ['', /it is empty/],
    ['a.', /empty part/],
    ['.a', /empty part/],
    ['a..b', /empty part/],
    ['a[x]', /no index/],
    ['a[-2]', /cannot be an index/],
    ['a.-2', /cannot be an index/],
    ['a[0]b', /a dot was wanted/],
  ])('the path %j', (path, message) => expect(() => parseValuePath(path)).toThrow(message));
});
