import {
  getArray,
  getObject,
  getString,
  isJsonObject,
  LandfallError,
  parseJson,
  type JsonObject,
} from '../kernel/index.ts';
import type { RegistryClient } from './client.ts';
import { digestOf, isDigest } from './digest.ts';
import { readDescriptor, stringMap, type Descriptor } from './manifest.ts';
import { OCI_EMPTY, OCI_MANIFEST } from './media-types.ts';
import { parseReference } from './reference.ts';
import type { Resolution } from './resolve.ts';
import { withoutCredentials } from './source-url.ts';

export const BUILD_RECORD_TYPE = 'application/vnd.landfall.build.v1+json';

/** Which commit became which image. A claim of who may push to the repository; it is not signed. */
export interface BuildRecord {
  /** URL of the source repository. Credentials in it are left out when the record is attached. */
  readonly repository: string;
  readonly commit: string;
  /** `refs/heads/main`, `refs/tags/v2.5.0` */
  readonly ref: string;
  readonly version?: string;
  /** As it was pushed: `registry.corp.io/app:2.5.0`. */
  readonly image: string;
  /** Digest of what `image` was after the push, from the registry's answer. */
  readonly digest: string;
  /** The same digest, where it is an index. */
  readonly index?: string;
  /** Platform (`linux/amd64`) to manifest digest. */
  readonly manifests: Readonly<Record<string, string>>;
  /** Platform to config digest. */
  readonly configs: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly builtAt: string;
  /** ISO 8601. */
  readonly pushedAt: string;
  /** Who built: `landfall`, `github-actions`, a machine's name. */
  readonly builder: string;
  /** Id of the build in the ledger of whoever built. */
  readonly build?: string;
  /** Where the builder shows it. */
  readonly url?: string;
}

export interface AttachedRecord {
  readonly record: BuildRecord;
  /** Digest of the artifact that holds it. */
  readonly digest: string;
}

const EMPTY = Buffer.from('{}');
const RECORD_LIMIT = 256 * 1024;
/** Of more records than these, the oldest tell when the image came to be, the newest who pushed it last. */
const OLDEST = 10;
const NEWEST = 40;
const CREATED = 'org.opencontainers.image.created';

/** Attaches a record to the image that it is about, as an OCI artifact with a subject. Answers with its digest. */
export async function attachBuildRecord(
  client: RegistryClient,
  record: BuildRecord,
  signal: AbortSignal,
): Promise<string> {
  const { registry, repository } = parseReference(record.image);
  const image = { registry, repository, digest: record.digest };
  const subject = await client.getManifest(image, signal);
  const published = { ...record, repository: withoutCredentials(record.repository) };
  const body = Buffer.from(JSON.stringify(published));
  await client.pushBlob(image, EMPTY, signal);
  await client.pushBlob(image, body, signal);
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: BUILD_RECORD_TYPE,
    config: { mediaType: OCI_EMPTY, digest: digestOf(EMPTY), size: EMPTY.length },
    layers: [{ mediaType: BUILD_RECORD_TYPE, digest: digestOf(body), size: body.length }],
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.bytes.length },
    annotations: {
      [CREATED]: record.pushedAt,
      'org.opencontainers.image.revision': record.commit,
    },
  };
  return client.attach(
    image,
    {
      mediaType: OCI_MANIFEST,
      artifactType: BUILD_RECORD_TYPE,
      bytes: Buffer.from(JSON.stringify(manifest)),
    },
    signal,
  );
}

/**
 * The records attached to what was resolved, newest push first; of more than 50 the 40 newest and
 * the 10 oldest. A record that is about another digest than
 * the one it is attached to is left out: whoever attached it, it says nothing about this image.
 */
export async function readBuildRecords(
  client: RegistryClient,
  resolution: Pick<Resolution, 'registry' | 'repository' | 'digest'>,
  signal: AbortSignal,
): Promise<readonly AttachedRecord[]> {
  const { registry, repository, digest } = resolution;
  const referrers = await client.referrers({ registry, repository, digest }, signal, {
    artifactType: BUILD_RECORD_TYPE,
  });
  const found: AttachedRecord[] = [];
  for (const referrer of someOf(referrers)) {
    const where = `${registry}/${repository}@${referrer.digest}`;
    const { json } = await client.getManifest({ registry, repository, digest: referrer.digest }, signal);
    if (getString(json, 'subject', 'digest') !== digest) continue;
    const layer = readDescriptor(getArray(json, 'layers')[0], where);
    if (layer.mediaType !== BUILD_RECORD_TYPE) continue;
    const bytes = await client.getBlob({ registry, repository }, layer.digest, signal, {
      maxBytes: RECORD_LIMIT,
    });
    const record = parseBuildRecord(bytes.toString('utf8'), where);
    if (record.digest === digest) found.push({ record, digest: referrer.digest });
  }
  return found.sort((a, b) => (a.record.pushedAt < b.record.pushedAt ? 1 : -1));
}

/** By the time that their annotations tell, which registries repeat in their lists. */
function someOf(referrers: readonly Descriptor[]): readonly Descriptor[] {
  if (referrers.length <= OLDEST + NEWEST) return referrers;
  const time = ({ annotations }: Descriptor) => annotations?.[CREATED] ?? '';
  const sorted = [...referrers].sort((a, b) => (time(a) < time(b) ? -1 : 1));
  return [...sorted.slice(0, OLDEST), ...sorted.slice(-NEWEST)];
}

/** Throws `invalid-input` naming the field that is wrong. */
export function parseBuildRecord(text: string, where: string): BuildRecord {
  const json = parseJson(text, where);
  const refuse = (field: string, wanted: string) =>
    new LandfallError(`${where} is not a build record: ${field} is not ${wanted}.`, {
      kind: 'invalid-input',
      code: 'build-record-invalid',
      object: where,
      hint: 'Remove it from the registry, or report the build again.',
    });
  if (!isJsonObject(json)) throw refuse('the document', 'a JSON object');
  const text1 = (field: string): string => {
    const value = getString(json, field);
    if (value === undefined || value === '') throw refuse(field, 'a text');
    return value;
  };
  const time = (field: string): string => {
    const value = text1(field);
    if (Number.isNaN(Date.parse(value))) throw refuse(field, 'a time');
    return value;
  };
  const digest = text1('digest');
  if (!isDigest(digest)) throw refuse('digest', 'a sha256 digest');
  const version = getString(json, 'version');
  const index = getString(json, 'index');
  if (index !== undefined && !isDigest(index)) throw refuse('index', 'a sha256 digest');
  return {
    repository: text1('repository'),
    commit: text1('commit'),
    ref: text1('ref'),
    ...(version === undefined ? {} : { version }),
    image: text1('image'),
    digest,
    ...(index === undefined ? {} : { index }),
    manifests: digests(json, 'manifests', refuse),
    configs: digests(json, 'configs', refuse),
    builtAt: time('builtAt'),
    pushedAt: time('pushedAt'),
    builder: text1('builder'),
    ...optional(json, 'build'),
    ...optional(json, 'url'),
  };
}

function optional<F extends string>(json: JsonObject, field: F): { readonly [K in F]?: string } {
  const value = getString(json, field);
  return value === undefined || value === '' ? {} : ({ [field]: value } as { readonly [K in F]?: string });
}

function digests(
  json: JsonObject,
  field: string,
  refuse: (field: string, wanted: string) => LandfallError,
): Readonly<Record<string, string>> {
  const found = stringMap(getObject(json, field));
  if (Object.values(found).every(isDigest)) return found;
  throw refuse(field, 'a map of sha256 digests');
}
