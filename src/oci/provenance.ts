import { getArray, getObject, getString, LandfallError, parseJson } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { RegistryClient } from './client.ts';
import { readDescriptor } from './manifest.ts';
import { withoutCredentials } from './source-url.ts';
import type { Resolution } from './resolve.ts';

/**
 * What an attestation says of where an image comes from. A claim of whoever could push to the repository: signatures
 * are not verified here, and who signs is not asked.
 */
export interface ProvenanceClaim {
  readonly repository: string | undefined;
  readonly commit: string | undefined;
  /** URL of the builder or of its run, as it says itself. */
  readonly builder: string | undefined;
  readonly predicateType: string;
  /** `buildkit`: in the index; `sigstore-bundle`: a referrer; `cosign`: under the tag `sha256-….att`. */
  readonly form: 'buildkit' | 'sigstore-bundle' | 'cosign';
  /** Digest of the image or index that it is about. */
  readonly subject: string;
  /** Where it can be looked at again: repository and digest of the manifest that holds it. */
  readonly reference: string;
}

const IN_TOTO = 'application/vnd.in-toto+json';
const DSSE = 'application/vnd.dsse.envelope.v1+json';
const BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v\d+\.\d+)?\+json/;
const PROVENANCE = /^https:\/\/slsa\.dev\/provenance\/(?:v0\.2|v1)$/;
const PREDICATE_ANNOTATION = 'in-toto.io/predicate-type';
/** With `mode=max` BuildKit puts whole Dockerfiles and build graphs in. */
const LIMIT = 8 * 1024 * 1024;
const MOST = 20;
const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** `git+https://host/a.git@refs/heads/main#commit`, `https://host/a.git#commit`: the repository and what is named of it. */
function fromUri(uri: string | undefined): {
  readonly repository: string | undefined;
  readonly commit: string | undefined;
} {
  if (uri === undefined) return { repository: undefined, commit: undefined };
  const [place = '', fragment = ''] = uri.replace(/^git\+/, '').split('#');
  const repository = place.replace(/@(?:refs\/[^@]+|[0-9a-f]{40,64})$/, '');
  const named = /@([0-9a-f]{40,64})$/.exec(place)?.[1] ?? fragment;
  const isGit = uri.startsWith('git+') || /\.git(?:$|[#@])/.test(uri) || fragment !== '';
  return {
    repository: isGit && repository !== '' ? withoutCredentials(repository) : undefined,
    commit: COMMIT.test(named) ? named : undefined,
  };
}

function commitOf(digest: JsonObject | undefined): string | undefined {
  const found = ['gitCommit', 'sha1', 'sha256']
    .map((name) => getString(digest, name))
    .find((each) => each !== undefined);
  return found !== undefined && COMMIT.test(found) ? found : undefined;
}

interface Said {
  readonly repository: string | undefined;
  readonly commit: string | undefined;
}

const NOTHING: Said = { repository: undefined, commit: undefined };

/** A commit of a work tree that had changes is not what was built. */
function fromVcs(vcs: JsonObject | undefined): Said {
  const revision = getString(vcs, 'revision');
  const source = getString(vcs, 'source');
  return {
    repository: source === undefined ? undefined : withoutCredentials(source),
    commit: revision !== undefined && COMMIT.test(revision) ? revision : undefined,
  };
}

function fromMaterial(material: JsonValue | undefined): Said {
  const said = fromUri(getString(material, 'uri'));
  if (said.repository === undefined) return NOTHING;
  return { repository: said.repository, commit: commitOf(getObject(material, 'digest')) ?? said.commit };
}

/** The first that names a commit, else the first that names a repository. */
function best(...all: readonly Said[]): Said {
  return (
    all.find(({ commit }) => commit !== undefined) ??
    all.find(({ repository }) => repository !== undefined) ??
    NOTHING
  );
}

/**
 * SLSA v0.2 and v1 as BuildKit, GitHub and Cloud Build fill them in:
 * https://docs.docker.com/build/metadata/attestations/slsa-definitions/, https://slsa.dev/spec/v1.1/provenance.
 * BuildKit names the context's Git metadata apart (`vcs`), since a local context has no configSource.
 */
function saidBy(
  predicateType: string,
  predicate: JsonObject | undefined,
): Said & { readonly builder: string | undefined } {
  if (predicateType.endsWith('/v0.2')) {
    const metadata = getObject(predicate, 'metadata');
    const source = getObject(predicate, 'invocation', 'configSource');
    return {
      ...best(
        fromVcs(getObject(metadata, 'https://mobyproject.org/buildkit@v1#metadata', 'vcs')),
        fromMaterial(source),
        ...getArray(predicate, 'materials').map(fromMaterial),
      ),
      builder: getString(predicate, 'builder', 'id'),
    };
  }
  const definition = getObject(predicate, 'buildDefinition');
  const run = getObject(predicate, 'runDetails');
  const workflow = getObject(definition, 'externalParameters', 'workflow');
  const dependencies = getArray(definition, 'resolvedDependencies').map(fromMaterial);
  return {
    ...best(
      fromVcs(getObject(run, 'metadata', 'buildkit_metadata', 'vcs')),
      fromMaterial(getObject(definition, 'externalParameters', 'configSource')),
      ...dependencies,
      { repository: getString(workflow, 'repository'), commit: undefined },
    ),
    builder: getString(run, 'builder', 'id'),
  };
}

interface Attested {
  readonly form: ProvenanceClaim['form'];
  readonly reference: string;
  /** Digests that this may be about. */
  readonly subjects: readonly string[];
}

/** A statement that is about one of the digests; undefined for any other, and for what is no provenance. */
function claimOf(statement: JsonValue, { form, reference, subjects }: Attested): ProvenanceClaim | undefined {
  const predicateType = getString(statement, 'predicateType');
  if (predicateType === undefined || !PROVENANCE.test(predicateType)) return undefined;
  const about = getArray(statement, 'subject').map(
    (each) => `sha256:${getString(each, 'digest', 'sha256') ?? ''}`,
  );
  const subject = subjects.find((digest) => about.includes(digest));
  if (subject === undefined) return undefined;
  const said = saidBy(predicateType, getObject(statement, 'predicate'));
  const builder = said.builder === '' ? undefined : said.builder;
  return { ...said, builder, predicateType, form, subject, reference };
}

/** The statement in a signed envelope; the signature is not looked at. */
function statementIn(envelope: JsonValue | undefined, where: string): JsonValue | undefined {
  const payload = getString(envelope, 'payload');
  if (payload === undefined || getString(envelope, 'payloadType') !== IN_TOTO) return undefined;
  return parseJson(Buffer.from(payload, 'base64').toString('utf8'), where);
}

/** The layers of a manifest that may hold a statement, each with its content. */
async function statementsOf(
  client: RegistryClient,
  place: Pick<Resolution, 'registry' | 'repository'>,
  manifest: JsonObject,
  where: string,
  signal: AbortSignal,
): Promise<readonly JsonValue[]> {
  const found: JsonValue[] = [];
  for (const entry of getArray(manifest, 'layers').slice(0, MOST)) {
    const layer = readDescriptor(entry, where);
    const says = layer.annotations?.[PREDICATE_ANNOTATION] ?? layer.annotations?.['predicateType'];
    if (says !== undefined && !PROVENANCE.test(says)) continue;
    const isBundle = BUNDLE.test(layer.mediaType);
    if (layer.mediaType !== IN_TOTO && layer.mediaType !== DSSE && !isBundle) continue;
    const bytes = await client.getBlob(place, layer.digest, signal, { maxBytes: LIMIT });
    const json = parseJson(bytes.toString('utf8'), where);
    const statement =
      layer.mediaType === IN_TOTO
        ? json
        : statementIn(isBundle ? getObject(json, 'dsseEnvelope') : json, where);
    if (statement !== undefined) found.push(statement);
  }
  return found;
}

/**
 * What is attested of where a resolved image comes from: in its index, by referrers, and under cosign's tag. What is
 * about another digest is left out. Throws where the registry cannot be read.
 */
export async function readProvenance(
  client: RegistryClient,
  resolution: Resolution,
  signal: AbortSignal,
): Promise<readonly ProvenanceClaim[]> {
  const { registry, repository, digest, manifests, attestations = [] } = resolution;
  const place = { registry, repository };
  const images = new Set(manifests.map((each) => each.digest));
  const claims: ProvenanceClaim[] = [];
  async function take(
    attested: string,
    form: ProvenanceClaim['form'],
    subjects: readonly string[],
  ): Promise<void> {
    const reference = `${registry}/${repository}@${attested}`;
    const { json } = await client.getManifest({ ...place, digest: attested }, signal);
    for (const statement of await statementsOf(client, place, json, reference, signal)) {
      const claim = claimOf(statement, { form, reference, subjects });
      if (claim !== undefined) claims.push(claim);
    }
  }
  for (const { digest: attested, subject } of attestations.slice(0, MOST))
    if (images.has(subject)) await take(attested, 'buildkit', [subject]);
  const all = await client.referrers({ ...place, digest }, signal);
  for (const { digest: attested, artifactType } of all
    .filter((each) => BUNDLE.test(each.artifactType ?? ''))
    .slice(0, MOST))
    if (artifactType !== undefined) await take(attested, 'sigstore-bundle', [digest]);
  const legacy = await cosignTag(client, place, digest, signal);
  if (legacy !== undefined) await take(legacy, 'cosign', [digest]);
  return claims;
}

/** https://github.com/sigstore/cosign: attestations lie under the tag of the digest with `.att` behind it. */
async function cosignTag(
  client: RegistryClient,
  place: Pick<Resolution, 'registry' | 'repository'>,
  digest: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return (await client.head({ ...place, tag: `${digest.replace(':', '-')}.att` }, signal)).digest;
  } catch (thrown) {
    if (thrown instanceof LandfallError && thrown.kind === 'not-found') return undefined;
    throw thrown;
  }
}
