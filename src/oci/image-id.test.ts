import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LandfallError } from '../kernel/index.ts';
import { compareImageId, parseImageId, type ImageLookup } from './image-id.ts';
import { formatReference } from './reference.ts';
import type { PlatformManifest, Resolution } from './resolve.ts';

const AMD = { os: 'linux', architecture: 'amd64' };
const ARM = { os: 'linux', architecture: 'arm64' };

function sha(name: string): string {
  return `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0')}`;
}

function manifest(
  platform: typeof AMD & { variant?: string },
  digest: string,
  config: string,
): PlatformManifest {
  return { ...platform, digest: sha(digest), configDigest: sha(config), labels: {} };
}

function resolution(
  digest: string,
  manifests: readonly PlatformManifest[],
  fields: Partial<Resolution> = {},
): Resolution {
  return {
    reference: 'registry.corp.io/team/app:2.5.0',
    registry: 'registry.corp.io',
    repository: 'team/app',
    tag: '2.5.0',
    digest: sha(digest),
    mediaType: 'application/vnd.oci.image.index.v1+json',
    kind: 'index',
    manifests,
    resolvedAt: '2026-01-01T00:00:00.000Z',
    answeredBy: 'https://registry.corp.io',
    ...fields,
  };
}

const EXPECTED = resolution('index', [
  manifest(AMD, 'amd', 'config-amd'),
  manifest(ARM, 'arm', 'config-arm'),
]);

/** Looks references up in a table; what is not in it is not found, and every question is written down. */
function lookup(table: Readonly<Record<string, Resolution | LandfallError>>): {
  readonly lookup: ImageLookup;
  readonly asked: string[];
} {
  const asked: string[] = [];
  return {
    asked,
    lookup: (reference) => {
      const text = formatReference(reference);
      asked.push(text);
      const found =
        table[text] ?? new LandfallError(`no ${text}`, { kind: 'not-found', code: 'registry-not-found' });
      return found instanceof LandfallError ? Promise.reject(found) : Promise.resolve(found);
    },
  };
}

async function outcome(imageId: string, ask?: ImageLookup, expected = EXPECTED, node = AMD): Promise<string> {
  const { outcome: found, reason } = await compareImageId(expected, imageId, node, ask);
  return `${found}: ${reason}`;
}

describe('an imageID', () => {
  it.each([
    ['docker-pullable://registry.corp.io/team/app@', 'registry.corp.io', false],
    ['docker://', undefined, false],
    ['containerd://registry.corp.io/team/app@', 'registry.corp.io', false],
    ['registry.corp.io:5000/team/app@', 'registry.corp.io:5000', false],
    ['', undefined, false],
    ['docker.io/library/import-2026-01-31@', 'docker.io', true],
    ['<none>@', undefined, false],
  ])('as %sDIGEST gives the digest', (prefix, registry, imported) => {
    expect(parseImageId(`${prefix}${sha('x')}`)).toMatchObject({ digest: sha('x'), imported });
    expect(parseImageId(`${prefix}${sha('x')}`).repository?.registry).toBe(registry);
  });

  it('without a digest gives none', () => {
    for (const text of ['', 'nginx', 'nginx:1.27', 'docker://', 'sha256:abc', `sha512:${'a'.repeat(128)}`]) {
      expect(parseImageId(text).digest).toBeUndefined();
    }
  });
});

describe('what a node runs, compared with what was expected', () => {
  it('matches by the digest of the index, of the platform manifest, and of the config', async () => {
    expect(await outcome(`registry.corp.io/team/app@${sha('index')}`)).toBe('match: index-digest');
    expect(await outcome(`registry.corp.io/team/app@${sha('amd')}`)).toBe('match: manifest-digest');
    expect(await outcome(sha('config-amd'))).toBe('match: config-digest');
    expect(await outcome(`docker://${sha('config-amd')}`)).toBe('match: config-digest');
  });

  it('matches whatever repository the node names: mirrors and aliases rewrite it', async () => {
    expect(await outcome(`mirror.local/cache/other@${sha('index')}`)).toBe('match: index-digest');
    expect(await outcome(`docker.io/library/import-2026-01-31@${sha('amd')}`)).toBe('match: manifest-digest');
  });

  it('is equivalent when another wrapper holds the same config, as after every build with provenance', async () => {
    const other = resolution('other-index', [
      manifest(AMD, 'other-amd', 'config-amd'),
      manifest(ARM, 'other-arm', 'config-else'),
    ]);
    const { lookup: ask, asked } = lookup({ [`registry.corp.io/team/app@${sha('other-index')}`]: other });
    expect(await outcome(`registry.corp.io/team/app@${sha('other-index')}`, ask)).toBe(
      'equivalent: same-config',
    );
    expect(asked).toHaveLength(1);
    // On the other platform the configs differ, so there it is another image.
    expect(await outcome(`registry.corp.io/team/app@${sha('other-index')}`, ask, EXPECTED, ARM)).toBe(
      'mismatch: other-config',
    );
  });

  it('is looked up where the node says, then where it was expected', async () => {
    const other = resolution('other', [manifest(AMD, 'other-amd', 'config-amd')]);
    const { lookup: ask, asked } = lookup({ [`registry.corp.io/team/app@${sha('other')}`]: other });
    expect(await outcome(`mirror.local/app@${sha('other')}`, ask)).toBe('equivalent: same-config');
    expect(asked).toEqual([`mirror.local/app@${sha('other')}`, `registry.corp.io/team/app@${sha('other')}`]);
  });

  it('is a mismatch only when the other image was looked up and has another config', async () => {
    const other = resolution('old', [manifest(AMD, 'old-amd', 'old-config')]);
    const { lookup: ask } = lookup({ [`registry.corp.io/team/app@${sha('old')}`]: other });
    const imageId = `registry.corp.io/team/app@${sha('old')}`;
    expect(await outcome(imageId, ask)).toBe('mismatch: other-config');
    expect(await compareImageId(EXPECTED, imageId, AMD, ask)).toMatchObject({
      observed: sha('old'),
      expectedConfigs: [sha('config-amd')],
      observedConfigs: [sha('old-config')],
    });
    expect(await outcome(imageId)).toBe('inconclusive: no-lookup');
  });

  it('is inconclusive, never a mismatch and never a match, when nothing can be looked up', async () => {
    const { lookup: ask, asked } = lookup({});
    expect(await outcome('', ask)).toBe('inconclusive: no-image-id');
    expect(await outcome('registry.corp.io/team/app:2.5.0', ask)).toBe('inconclusive: no-digest');
    expect(await outcome(sha('unknown'), ask)).toBe('inconclusive: bare-digest');
    expect(await outcome(`docker://${sha('unknown')}`, ask)).toBe('inconclusive: bare-digest');
    const imported = `docker.io/library/import-2026-01-31@${sha('unknown')}`;
    expect(await outcome(imported, ask)).toBe('inconclusive: imported');
    expect(asked).toEqual([]);
    const gone = `registry.corp.io/team/app@${sha('gone')}`;
    expect(await outcome(gone, ask)).toBe('inconclusive: not-resolvable');
    const denied = new LandfallError('no', { kind: 'denied', code: 'registry-unauthorized' });
    const closed = lookup({ [gone]: denied }).lookup;
    expect(await compareImageId(EXPECTED, gone, AMD, closed)).toMatchObject({
      outcome: 'inconclusive',
      failure: denied,
    });
  });

  it('rejects when the look-up was cancelled, rather than calling it inconclusive', async () => {
    const cancelled = new LandfallError('stop', { kind: 'cancelled', code: 'cancelled' });
    const gone = `registry.corp.io/team/app@${sha('gone')}`;
    await expect(outcome(gone, lookup({ [gone]: cancelled }).lookup)).rejects.toBe(cancelled);
  });

  it('counts the platform of the node: the manifest of another platform is no match', async () => {
    expect(await outcome(`registry.corp.io/team/app@${sha('arm')}`)).toBe('mismatch: other-platform');
    expect(await outcome(sha('config-arm'))).toBe('inconclusive: bare-digest');
    expect(await outcome(`registry.corp.io/team/app@${sha('arm')}`, undefined, EXPECTED, ARM)).toBe(
      'match: manifest-digest',
    );
  });

  it('knows no match for a node whose platform the expected image does not have', async () => {
    const node = { os: 'linux', architecture: 's390x' };
    const { lookup: ask } = lookup({});
    const imageId = `registry.corp.io/team/app@${sha('else')}`;
    expect(await outcome(imageId, ask, EXPECTED, node)).toBe('inconclusive: platform-missing');
  });

  it('takes any variant of the architecture: nodes do not tell theirs', async () => {
    const expected = resolution('index', [
      manifest({ os: 'linux', architecture: 'arm', variant: 'v6' }, 'v6', 'config-v6'),
      manifest({ os: 'linux', architecture: 'arm', variant: 'v7' }, 'v7', 'config-v7'),
    ]);
    const node = { os: 'linux', architecture: 'arm' };
    expect(await outcome(sha('config-v7'), undefined, expected, node)).toBe('match: config-digest');
    expect(await outcome(`a/b@${sha('v6')}`, undefined, expected, node)).toBe('match: manifest-digest');
  });

  it('takes an image without an index as it is, whatever the node says', async () => {
    const single = resolution('arm', [manifest(ARM, 'arm', 'config-arm')], { kind: 'manifest' });
    expect(await outcome(`a/b@${sha('arm')}`, undefined, single)).toBe('match: manifest-digest');
    expect(await outcome(sha('config-arm'), undefined, single)).toBe('match: config-digest');
  });

  it('judges the observations of a real containerd as they were meant', async () => {
    // Two builds of the same content: same manifests and configs in two indexes. The container was created from the
    // second, the node reports the first digest in lexical order.
    const deployed = resolution('77d9', [manifest(AMD, 'shared', 'cad3')]);
    const first = resolution('5c28', [manifest(AMD, 'shared', 'cad3')]);
    const { lookup: ask } = lookup({ [`registry.corp.io/team/app@${sha('5c28')}`]: first });
    expect(await outcome(`registry.corp.io/team/app@${sha('5c28')}`, ask, deployed)).toBe(
      'equivalent: same-config',
    );
    // Then the node pulled the same content from another repository, and the status flipped to it.
    expect(await outcome(`aaa-prod/app@${sha('77d9')}`, ask, deployed)).toBe('match: index-digest');
    // Then the tag was removed from the node: only the config digest is left.
    expect(await outcome(sha('cad3'), ask, deployed)).toBe('match: config-digest');
  });

  it('never calls other bytes the same or the same bytes others, whatever the node reports', async () => {
    // A world of images: each an index over the same two platforms, its configs drawn from a few, so that some agree.
    const world = fc.array(fc.record({ amd: fc.nat(3), arm: fc.nat(3) }), { minLength: 2, maxLength: 5 });
    const kinds = ['index', 'manifest', 'config'] as const;
    const given = fc.record({
      world,
      node: fc.constantFrom(AMD, ARM),
      what: fc.constantFrom(...kinds),
      from: fc.nat(4),
      reachable: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(given, async ({ world: configs, node, what, from, reachable }) => {
        const images = configs.map(({ amd, arm }, n) =>
          resolution(`index-${n}`, [
            manifest(AMD, `amd-${n}`, `config-amd-${amd}`),
            manifest(ARM, `arm-${n}`, `config-arm-${arm}`),
          ]),
        );
        const [expected] = images;
        const running = images[from % images.length];
        if (expected === undefined || running === undefined) throw new Error('the world has images');
        const runs = (image: Resolution) =>
          image.manifests.find(({ architecture }) => architecture === node.architecture);
        const own = runs(running);
        const digests = { index: running.digest, manifest: own?.digest, config: own?.configDigest };
        const digest = digests[what] ?? '';
        const imageId = what === 'config' ? digest : `registry.corp.io/team/app@${digest}`;
        const table: Record<string, Resolution> = {};
        for (const image of reachable ? images : []) {
          table[`registry.corp.io/team/app@${image.digest}`] = image;
          for (const one of image.manifests) {
            const single = { ...image, digest: one.digest, kind: 'manifest' as const, manifests: [one] };
            table[`registry.corp.io/team/app@${one.digest}`] = single;
          }
        }
        const { outcome: found } = await compareImageId(expected, imageId, node, lookup(table).lookup);
        const same = own?.configDigest === runs(expected)?.configDigest;
        expect(same ? ['match', 'equivalent', 'inconclusive'] : ['mismatch', 'inconclusive']).toContain(
          found,
        );
        if (reachable && what !== 'config') expect(found).not.toBe('inconclusive');
        if (running === expected) expect(found).toBe('match');
      }),
      { numRuns: 500 },
    );
  });
});
