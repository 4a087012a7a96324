import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startRegistry } from '../drydock/registry/index.ts';
import type { Registry } from '../drydock/registry/index.ts';
import { getString } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import { createRegistryClient } from './client.ts';
import type { RegistryClient } from './client.ts';
import { digestOf } from './digest.ts';
import { OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from './media-types.ts';
import { readProvenance } from './provenance.ts';

const signal = new AbortController().signal;
const COMMIT = 'c'.repeat(40);
const IN_TOTO = 'application/vnd.in-toto+json';
const DSSE = 'application/vnd.dsse.envelope.v1+json';
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const V02 = 'https://slsa.dev/provenance/v0.2';
const V1 = 'https://slsa.dev/provenance/v1';

let registry: Registry;
let client: RegistryClient;
beforeEach(async () => {
  registry = await startRegistry();
  client = createRegistryClient({ retries: 0 });
});
afterEach(async () => {
  client.close();
  await registry.close();
});

const place = () => `${registry.host}/shop`;

interface Pushed {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

async function blob(json: unknown, mediaType: string): Promise<Pushed> {
  const bytes = Buffer.from(JSON.stringify(json));
  await client.pushBlob(place(), bytes, signal);
  return { digest: digestOf(bytes), size: bytes.length, mediaType };
}

async function manifest(json: JsonObject, reference = ''): Promise<Pushed> {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...json }));
  const mediaType = getString(json, 'mediaType') ?? '';
  const to = reference === '' ? `${place()}@${digestOf(bytes)}` : `${place()}:${reference}`;
  await client.putManifest(to, { mediaType, bytes }, signal);
  return { digest: digestOf(bytes), size: bytes.length, mediaType };
}

async function imageManifest(): Promise<Pushed> {
  const config = await blob(
    { os: 'linux', architecture: 'amd64', config: {}, rootfs: { type: 'layers', diff_ids: [] } },
    OCI_CONFIG,
  );
  return manifest({ mediaType: OCI_MANIFEST, config: { ...config }, layers: [] });
}

async function attestation(
  layers: readonly JsonObject[],
  reference = '',
  more: JsonObject = {},
): Promise<Pushed> {
  const config = await blob({}, OCI_CONFIG);
  return manifest(
    { mediaType: OCI_MANIFEST, config: { ...config }, layers: [...layers], ...more },
    reference,
  );
}

const statement = (digest: string, predicateType: string, predicate: JsonObject): JsonObject => ({
  _type: 'https://in-toto.io/Statement/v0.1',
  predicateType,
  subject: [{ name: 'shop', digest: { sha256: digest.replace('sha256:', '') } }],
  predicate,
});

/** An index with one image and one attestation of BuildKit; `about` is what the annotation says that it is about. */
async function buildkit(
  predicateType: string,
  predicate: JsonObject,
  change: { readonly about?: string; readonly subject?: string } = {},
) {
  const image = await imageManifest();
  const layer = await blob(statement(change.subject ?? image.digest, predicateType, predicate), IN_TOTO);
  const attested = await attestation([
    { ...layer, annotations: { 'in-toto.io/predicate-type': predicateType } },
  ]);
  await manifest(
    {
      mediaType: OCI_INDEX,
      manifests: [
        { ...image, platform: { os: 'linux', architecture: 'amd64' } },
        {
          ...attested,
          platform: { os: 'unknown', architecture: 'unknown' },
          annotations: {
            'vnd.docker.reference.type': 'attestation-manifest',
            'vnd.docker.reference.digest': change.about ?? image.digest,
          },
        },
      ],
    },
    'built',
  );
  return {
    image,
    attested,
    claims: await readProvenance(client, await client.resolve(`${place()}:built`, signal), signal),
  };
}

const BUILDER = 'https://github.com/corp/shop/actions/runs/7';

describe('provenance of BuildKit', () => {
  it('by SLSA v0.2 says repository and commit of the context, and who built', async () => {
    const { image, attested, claims } = await buildkit(V02, {
      builder: { id: BUILDER },
      buildType: 'https://mobyproject.org/buildkit@v1',
      materials: [{ uri: 'pkg:docker/node@20', digest: { sha256: '1'.repeat(64) } }],
      invocation: { configSource: { entryPoint: 'Dockerfile' } },
      metadata: {
        'https://mobyproject.org/buildkit@v1#metadata': {
          vcs: { source: 'https://ci:hunter2@github.com/corp/shop.git', revision: COMMIT },
        },
      },
    });
    expect(claims).toEqual([
      {
        repository: 'https://github.com/corp/shop.git',
        commit: COMMIT,
        builder: BUILDER,
        predicateType: V02,
        form: 'buildkit',
        subject: image.digest,
        reference: `${place()}@${attested.digest}`,
      },
    ]);
  });

  it('by SLSA v1, and from a remote context', async () => {
    const v1 = await buildkit(V1, {
      buildDefinition: {
        externalParameters: {
          configSource: { uri: 'https://github.com/corp/shop.git#refs/tags/v1', digest: { sha1: COMMIT } },
        },
      },
      runDetails: { builder: { id: '' }, metadata: {} },
    });
    expect(v1.claims).toMatchObject([
      { repository: 'https://github.com/corp/shop.git', commit: COMMIT, builder: undefined },
    ]);
    const vcs = await buildkit(V1, {
      runDetails: {
        builder: { id: BUILDER },
        metadata: {
          buildkit_metadata: { vcs: { source: 'git@github.com:corp/shop.git', revision: COMMIT } },
        },
      },
    });
    expect(vcs.claims).toMatchObject([
      { repository: 'git@github.com:corp/shop.git', commit: COMMIT, builder: BUILDER },
    ]);
  });

  it('says no commit of a work tree that had changes', async () => {
    const { claims } = await buildkit(V02, {
      metadata: {
        'https://mobyproject.org/buildkit@v1#metadata': {
          vcs: { source: 'https://github.com/corp/shop.git', revision: `${COMMIT}-dirty` },
        },
      },
    });
    expect(claims).toMatchObject([{ repository: 'https://github.com/corp/shop.git', commit: undefined }]);
  });

  it.each([
    ['its annotation is about another digest', { about: `sha256:${'0'.repeat(64)}` }],
    ['its statement is about another digest', { subject: `sha256:${'0'.repeat(64)}` }],
  ])('is left out where %s', async (_, change) => {
    expect((await buildkit(V02, { builder: { id: BUILDER } }, change)).claims).toEqual([]);
  });
});

describe('provenance that was signed', () => {
  const cloudBuild = {
    buildDefinition: {
      resolvedDependencies: [
        { uri: 'git+https://github.com/corp/shop@refs/heads/main', digest: { gitCommit: COMMIT } },
      ],
    },
    runDetails: { builder: { id: 'https://cloudbuild.googleapis.com/GoogleHostedWorker' } },
  };
  const envelope = (json: JsonObject): JsonObject => ({
    payloadType: IN_TOTO,
    payload: Buffer.from(JSON.stringify(json)).toString('base64'),
    signatures: [{ sig: 'AAAA' }],
  });

  it('is read from referrers and from the tag of cosign, each with its source', async () => {
    const image = await imageManifest();
    const bundle = await blob(
      { mediaType: BUNDLE, dsseEnvelope: envelope(statement(image.digest, V1, cloudBuild)) },
      BUNDLE,
    );
    const referrer = await attestation([{ ...bundle }], '', {
      artifactType: BUNDLE,
      subject: { ...image },
    });
    const signed = await blob(envelope(statement(image.digest, V1, cloudBuild)), DSSE);
    const vulnerabilities = await blob(
      envelope(statement(image.digest, 'https://cosign.sigstore.dev/attestation/vuln/v1', {})),
      DSSE,
    );
    await attestation(
      [{ ...signed, annotations: { predicateType: V1 } }, { ...vulnerabilities }],
      `${image.digest.replace(':', '-')}.att`,
    );
    const resolution = await client.resolve(`${place()}@${image.digest}`, signal);
    const claims = await readProvenance(client, resolution, signal);
    expect(
      claims.map(({ form, commit, repository, builder }) => [form, commit, repository, builder]),
    ).toEqual(
      ['sigstore-bundle', 'cosign'].map((form) => [
        form,
        COMMIT,
        'https://github.com/corp/shop',
        'https://cloudbuild.googleapis.com/GoogleHostedWorker',
      ]),
    );
    expect(claims[0]?.reference).toBe(`${place()}@${referrer.digest}`);
  });

  it('is nothing where there is none', async () => {
    const image = await imageManifest();
    const resolution = await client.resolve(`${place()}@${image.digest}`, signal);
    expect(await readProvenance(client, resolution, signal)).toEqual([]);
    expect(resolution).not.toHaveProperty('attestations');
  });
});
