import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../kernel/index.ts';
import { pinImage } from './image-pin.ts';

const IMAGE = 'registry.corp.io/notification-service';
const DIGEST = `sha256:${'0123abcd'.repeat(8)}`;
const OLD = `sha256:${'f'.repeat(64)}`;

function pin(text: string, newTag: string | undefined = '2.5.0', image = IMAGE): string {
  return pinImage({
    text,
    file: 'kustomization.yaml',
    image,
    digest: DIGEST,
    ...(newTag === undefined ? {} : { newTag }),
  });
}

function check(before: string, after: string): void {
  expect(pin(before)).toBe(after);
  expect(pin(after)).toBe(after);
}

describe('the image is pinned', () => {
  test('in the overlay of the incident: one line changes and one comes in', () => {
    const head =
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: comms\nresources:\n  - ../../base\n';
    check(
      `${head}images:\n  - name: ${IMAGE}\n    newTag: latest\n`,
      `${head}images:\n  - name: ${IMAGE}\n    newTag: 2.5.0\n    digest: ${DIGEST}\n`,
    );
  });

  test('with comments, quotes, order and line endings as they were', () => {
    check(
      `images: # all of them\r\n- digest: '${OLD}'   # old\r\n  newTag: "latest" # bad\r\n  name: '${IMAGE}'\r\n# end\r\n`,
      `images: # all of them\r\n- digest: '${DIGEST}'   # old\r\n  newTag: "2.5.0" # bad\r\n  name: '${IMAGE}'\r\n# end\r\n`,
    );
  });

  test('where the tag is missing, behind the name it belongs to', () => {
    check(
      `images:\n-   name: ${IMAGE} # the service\n    newName: mirror.corp.io/n\n- name: other\n  newTag: "1"\n`,
      `images:\n-   name: ${IMAGE} # the service\n    newName: mirror.corp.io/n\n    newTag: 2.5.0\n    digest: ${DIGEST}\n- name: other\n  newTag: "1"\n`,
    );
    check(`images:\n- name: ${IMAGE}`, `images:\n- name: ${IMAGE}\n  newTag: 2.5.0\n  digest: ${DIGEST}`);
  });

  test('where its value is empty', () => {
    check(
      `images:\n- name: ${IMAGE}\n  newTag: # none yet\n  digest:\n`,
      `images:\n- name: ${IMAGE}\n  newTag: 2.5.0 # none yet\n  digest: ${DIGEST}\n`,
    );
  });

  test('in flow style', () => {
    check(
      `images: [{name: other}, {name: ${IMAGE}, newTag: latest}] # x\n`,
      `images: [{name: other}, {name: ${IMAGE}, newTag: 2.5.0, digest: ${DIGEST}}] # x\n`,
    );
    check(
      `images:\n- { name: "${IMAGE}" }\n`,
      `images:\n- { name: "${IMAGE}", newTag: 2.5.0, digest: ${DIGEST} }\n`,
    );
  });

  test('where only the digest is there, with the tag before it', () => {
    check(
      `images:\n- { name: ${IMAGE}, digest: ${OLD} }\n`,
      `images:\n- { name: ${IMAGE}, newTag: 2.5.0, digest: ${DIGEST} }\n`,
    );
    check(
      `images:\n- "name": "${IMAGE}"\n  # of last week\n  'digest': ${OLD}\n`,
      `images:\n- "name": "${IMAGE}"\n  newTag: 2.5.0\n  # of last week\n  'digest': ${DIGEST}\n`,
    );
  });

  test('in a new entry, written like the ones that are there', () => {
    check(
      `images:\n  -  name: other # keep\n     newTag: v1 # keep\n\nresources: []\n`,
      `images:\n  -  name: other # keep\n     newTag: v1 # keep\n  -  name: ${IMAGE}\n     newTag: 2.5.0\n     digest: ${DIGEST}\n\nresources: []\n`,
    );
    check(`images: []\n`, `images: [{name: ${IMAGE}, newTag: 2.5.0, digest: ${DIGEST}}]\n`);
    check(
      `images: [{name: a} ]\n`,
      `images: [{name: a}, {name: ${IMAGE}, newTag: 2.5.0, digest: ${DIGEST}} ]\n`,
    );
    check(
      `images:\nkind: Kustomization\n`,
      `images:\n  - name: ${IMAGE}\n    newTag: 2.5.0\n    digest: ${DIGEST}\nkind: Kustomization\n`,
    );
  });

  test('in a list that did not exist', () => {
    check(
      `resources:\n- base # keep\n# end`,
      `resources:\n- base # keep\n# end\nimages:\n- name: ${IMAGE}\n  newTag: 2.5.0\n  digest: ${DIGEST}\n`,
    );
  });

  test('in a file that is one flow map, with the quotes it has', () => {
    check(`{}\n`, `{images: [{name: ${IMAGE}, newTag: 2.5.0, digest: ${DIGEST}}]}\n`);
    check(
      `{resources: [base]} # all\n`,
      `{resources: [base], images: [{name: ${IMAGE}, newTag: 2.5.0, digest: ${DIGEST}}]} # all\n`,
    );
    check(
      `{\n  "resources": ["base"]\n}\n`,
      `{\n  "resources": ["base"], "images": [{"name": "${IMAGE}", "newTag": "2.5.0", "digest": "${DIGEST}"}]\n}\n`,
    );
    check(
      `{"images": [{"name": "${IMAGE}"}]}\n`,
      `{"images": [{"name": "${IMAGE}", "newTag": "2.5.0", "digest": "${DIGEST}"}]}\n`,
    );
  });

  test('under another name', () => {
    const rename = (text: string) =>
      pinImage({ text, file: 'k', image: IMAGE, newName: 'mirror.io/n', newTag: '2.5.0', digest: DIGEST });
    const pinned = `images:\n- name: ${IMAGE}\n  newName: mirror.io/n # near\n  newTag: 2.5.0\n  digest: ${DIGEST}\n`;
    expect(rename(`images:\n- name: ${IMAGE}\n  newName: old.io/n # near\n  newTag: "1"\n`)).toBe(
      pinned.replace('newTag: 2.5.0', 'newTag: "2.5.0"'),
    );
    expect(rename(pinned)).toBe(pinned);
    expect(rename(`images:\n- name: ${IMAGE}\n`)).toBe(pinned.replace(' # near', ''));
    // A name that is the image's own is no other name.
    expect(
      pinImage({
        text: `images:\n- name: ${IMAGE}\n`,
        file: 'k',
        image: IMAGE,
        newName: IMAGE,
        digest: DIGEST,
      }),
    ).toBe(`images:\n- name: ${IMAGE}\n  digest: ${DIGEST}\n`);
  });

  test('where the tag holds a digest, which would come out twice', () => {
    check(
      `images:\n- name: ${IMAGE}\n  newTag: "v2@${OLD}"\n`,
      `images:\n- name: ${IMAGE}\n  newTag: "2.5.0"\n  digest: ${DIGEST}\n`,
    );
    const digestOnly = (text: string) => pinImage({ text, file: 'k', image: IMAGE, digest: DIGEST });
    expect(digestOnly(`images:\n- name: ${IMAGE}\n  newTag: "v2@${OLD}"\n`)).toBe(
      `images:\n- name: ${IMAGE}\n  newTag: "v2"\n  digest: ${DIGEST}\n`,
    );
    expect(() => digestOnly(`images:\n- name: ${IMAGE}\n  newTag: "@${OLD}"\n`)).toThrow(/holds a digest/);
  });

  test('by digest alone: the tag stays', () => {
    expect(
      pinImage({
        text: `images:\n- name: ${IMAGE}\n  newTag: latest\n`,
        file: 'k',
        image: IMAGE,
        digest: DIGEST,
      }),
    ).toBe(`images:\n- name: ${IMAGE}\n  newTag: latest\n  digest: ${DIGEST}\n`);
  });

  test.each(['1.10', '12e5', '007', '1_000', '0x1F', 'true', 'null', 'y', '2024-01-31'])(
    'with quotes where a tag would be read as something else: %s',
    (tag) => {
      expect(pin(`images:\n- name: ${IMAGE}\n  newTag: latest\n`, tag)).toContain(`  newTag: "${tag}"\n`);
      expect(pin(`images:\n- name: ${IMAGE}\n`, tag)).toContain(`  newTag: "${tag}"\n`);
    },
  );

  test('behind a byte order mark', () => {
    expect(pin(`\uFEFFimages:\n- name: ${IMAGE}\n  newTag: latest\n`)).toMatch(/^\uFEFFimages:\n/);
  });
});

describe('what cannot be changed alone is refused with its line', () => {
  test.each([
    ['an alias as the tag', `x: &t latest\nimages:\n- name: ${IMAGE}\n  newTag: *t\n`, /:4:\d+: .*alias/],
    ['an anchor on the tag', `images:\n- name: ${IMAGE}\n  newTag: &t latest\nx: *t\n`, /:3:\d+: .*anchor/],
    ['an alias as the entry', `x: &e {name: ${IMAGE}, newTag: latest}\nimages:\n- *e\n`, /alias/],
    ['an alias as the list', `x: &l\n- name: ${IMAGE}\nimages: *l\n`, /alias/],
    [
      'an anchored entry used elsewhere',
      `images:\n- &e\n  name: ${IMAGE}\n  newTag: latest\nx: *e\n`,
      /altered more/,
    ],
    ['a merge key', `x: &m {name: ${IMAGE}, newTag: latest}\nimages:\n- <<: *m\n  newName: n\n`, /merge key/],
    ['two entries', `images:\n- name: ${IMAGE}\n- name: ${IMAGE}\n  newTag: x\n`, /2 entries/],
    ['a block text', `images:\n- name: ${IMAGE}\n  newTag: |-\n    latest\n`, /on one line/],
    ['a tag suffix', `images:\n- name: ${IMAGE}\n  tagSuffix: -x\n`, /tagSuffix/],
    ['two documents', `a: 1\n---\nb: 2\n`, /2 documents/],
    ['a list', `- a\n`, /one YAML map/],
  ])('%s', (_, text, message) => {
    expect(() => pin(text)).toThrow(message);
  });

  test('and so are wrong tags, digests and names', () => {
    const text = `images:\n- name: ${IMAGE}\n`;
    expect(() => pin(text, 'a b')).toThrow('not a tag');
    expect(() => pin(text, 'x\n  evil: 1')).toThrow('not a tag');
    expect(() => pinImage({ text, file: 'k', image: IMAGE, digest: 'sha256:1' })).toThrow('not a digest');
    expect(() => pin(text, 'x', `${IMAGE}:latest`)).toThrow('without tag');
    expect(() => pin(text, 'x', 'a\nb')).toThrow('without tag');
  });
});

interface Sample {
  readonly text: string;
  readonly others: readonly string[];
}

/** Kustomizations as people write them: dashes in or out, comments, quotes, any order of fields, both line ends. */
const samples: fc.Arbitrary<Sample> = fc
  .record({
    ending: fc.constantFrom('\n', '\r\n'),
    indent: fc.constantFrom('', '  ', '    '),
    gap: fc.constantFrom(' ', '   '),
    before: fc.array(fc.constantFrom('# a comment', 'namespace: comms', '', 'namePrefix: "x-" # y'), {
      maxLength: 3,
    }),
    after: fc.array(fc.constantFrom('# the end', 'nameSuffix: -z', ''), { maxLength: 3 }),
    fields: fc.shuffledSubarray(
      ['newTag: latest # now', "newTag: 'old'", `digest: "${OLD}"`, 'newName: other.io/n'],
      {
        maxLength: 3,
      },
    ),
    place: fc.nat(3),
    others: fc.array(fc.constantFrom('redis', 'busybox', 'a/b'), { maxLength: 2 }),
    last: fc.boolean(),
  })
  .filter(({ fields }) => fields.filter((field) => field.startsWith('newTag')).length < 2)
  .map(({ ending, indent, gap, before, after, fields, place, others, last }) => {
    const own = [...fields];
    own.splice(Math.min(place, own.length), 0, `name: ${IMAGE} # ours`);
    const entry = (lines: readonly string[]) =>
      lines.map((line, index) => `${indent}${index === 0 ? `-${gap}` : ' '.repeat(gap.length + 1)}${line}`);
    const rest = others.flatMap((name) => entry([`name: ${name}`, "newTag: 'keep' # keep"]));
    const lines = [...unique(before), 'images:', ...rest, ...entry(own), ...unique(after)];
    return { text: lines.join(ending) + (last ? '' : ending), others };
  });

function unique(lines: readonly string[]): readonly string[] {
  return lines.filter((line, index) => !line.includes(':') || lines.indexOf(line) === index);
}

test('whatever else is in the file stays byte for byte, and only that entry reads differently', () => {
  fc.assert(
    fc.property(samples, fc.constantFrom('2.5.0', '1.10', 'v1'), ({ text }, tag) => {
      const after = pin(text, tag);
      const [old, now] = [text, after].map(
        (each) => parseYaml(each, 'k')[0] as { images: { name: string }[] },
      );
      const rest = (value: typeof old) => ({
        ...value,
        images: value?.images.filter(({ name }) => name !== IMAGE),
      });
      expect(rest(now)).toEqual(rest(old));
      const entry = (value: typeof old) => value?.images.find(({ name }) => name === IMAGE);
      expect(entry(now)).toEqual({ ...entry(old), newTag: tag, digest: DIGEST });
      // The lines that were changed or added are those of the two fields, each at most once.
      const [oldLines, newLines] = [text.split('\n'), after.split('\n')];
      const gone = oldLines.filter((line) => !newLines.includes(line) && !newLines.includes(`${line}\r`));
      const come = newLines.filter(
        (line) => !oldLines.includes(line) && !oldLines.includes(line.replace(/\r$/, '')),
      );
      expect(gone.length).toBeLessThanOrEqual(2);
      for (const line of [...gone, ...come]) expect(line).toMatch(/(?:newTag|digest):/);
      expect(come.length).toBeLessThanOrEqual(2);
      const strip = (lines: readonly string[], without: readonly string[]) =>
        lines.filter((line) => !without.includes(line)).map((line) => line.replace(/\r$/, ''));
      expect(strip(newLines, come)).toEqual(strip(oldLines, gone));
      expect(after.includes('\r\n')).toBe(text.includes('\r\n'));
      expect(pin(after, tag)).toBe(after);
    }),
    { numRuns: 300 },
  );
});

const kubectl = await promisify(execFile)('kubectl', ['version', '--client']).then(
  () => true,
  () => false,
);

test.skipIf(!kubectl)('kubectl kustomize reads the result and renders tag and digest', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'landfall-pin-'));
  try {
    await writeFile(
      path.join(folder, 'pod.yaml'),
      `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: a, image: ${IMAGE}}\n`,
    );
    for (const tag of ['2.5.0', '1.10', '12e5', '0x1F', 'true']) {
      for (const text of [
        'resources: [pod.yaml]\n',
        `resources: [pod.yaml]\nimages:\n- name: ${IMAGE}\n  newTag: latest\n`,
      ]) {
        await writeFile(path.join(folder, 'kustomization.yaml'), pin(text, tag));
        const { stdout } = await promisify(execFile)('kubectl', ['kustomize', folder]);
        expect(stdout).toContain(`image: ${IMAGE}:${tag}@${DIGEST}`);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
