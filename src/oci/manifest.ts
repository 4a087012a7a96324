import {
  getArray,
  getNumber,
  getObject,
  getString,
  isJsonObject,
  LandfallError,
  parseJson,
  type JsonObject,
  type JsonValue,
} from '../kernel/index.ts';
import { isDigest } from './digest.ts';
import { isIndexType, isManifestType } from './media-types.ts';

/** Where a piece of content is and how large it is (image specification, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
}

/** As Go and Kubernetes' nodeInfo name them: `linux`, `amd64`, `v8`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** A manifest whose bytes have the digest it is known by. */
export interface Manifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly json: JsonObject;
  /** When the registry says that the tag or the manifest came to be, ISO 8601. Few registries say it. */
  readonly lastModified?: string;
  /** The origin that answered: the registry or one of its mirrors. */
  readonly answeredBy: string;
}

const DESCRIPTORS = 1000;

function refuse(where: string, why: string): LandfallError {
  return new LandfallError(`${where} is not a manifest that can be used: ${why}.`, {
    kind: 'invalid-input',
    code: 'manifest-invalid',
    object: where,
    hint: 'Build and push the image again with a current tool.',
  });
}

/** `os/architecture[/variant]`, as `docker --platform` writes it. */
export function platformText({ os, architecture, variant }: Platform): string {
  return `${os}/${architecture}${variant === undefined ? '' : `/${variant}`}`;
}

/** JSON of a manifest and its type, which its own mediaType decides before the Content-Type. */
export function parseManifestJson(
  bytes: Buffer,
  contentType: string | undefined,
  where: string,
): { readonly json: JsonObject; readonly mediaType: string } {
  const json = parseJson(bytes.toString('utf8'), where);
  if (!isJsonObject(json)) throw refuse(where, 'it is not a JSON object');
  if (json['schemaVersion'] !== 2) {
    throw refuse(where, `its schemaVersion is ${JSON.stringify(json['schemaVersion'])}, wanted 2`);
  }
  const sent = contentType?.split(';')[0]?.trim().toLowerCase();
  const mediaType = getString(json, 'mediaType') ?? sent ?? '';
  if (!isIndexType(mediaType) && !isManifestType(mediaType)) {
    throw refuse(where, `its type is '${mediaType}', wanted an OCI or Docker image manifest or index`);
  }
  return { json, mediaType };
}

export function readDescriptor(value: JsonValue | undefined, where: string): Descriptor {
  const mediaType = getString(value, 'mediaType');
  const digest = getString(value, 'digest');
  const size = getNumber(value, 'size');
  if (mediaType === undefined) throw refuse(where, 'a descriptor has no mediaType');
  if (digest === undefined || !isDigest(digest)) throw refuse(where, 'a descriptor has no sha256 digest');
  if (size === undefined || !Number.isSafeInteger(size) || size < 0) {
    throw refuse(where, 'a descriptor has no size');
  }
  const artifactType = getString(value, 'artifactType');
  const annotations = stringMap(getObject(value, 'annotations'));
  const platform = readPlatform(getObject(value, 'platform'));
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform }),
  };
}

/** `os` and `architecture` of a descriptor or an image config; undefined where one is missing. */
export function readPlatform(value: JsonObject | undefined): Platform | undefined {
  const os = getString(value, 'os');
  const architecture = getString(value, 'architecture');
  const variant = getString(value, 'variant');
  if (os === undefined || architecture === undefined || os === '' || architecture === '') return undefined;
  return { os, architecture, ...(variant === undefined || variant === '' ? {} : { variant }) };
}

export function stringMap(value: JsonObject | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(value ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** The manifests of an index that are images: attestations of BuildKit are none. */
export function imageDescriptors(json: JsonObject, where: string): readonly Descriptor[] {
  const all = getArray(json, 'manifests');
  if (all.length > DESCRIPTORS)
    throw refuse(where, `it lists ${all.length} manifests, at most ${DESCRIPTORS}`);
  return all
    .map((entry) => readDescriptor(entry, where))
    .filter(
      ({ platform, annotations }) =>
        !(platform?.os === 'unknown' && platform.architecture === 'unknown') &&
        annotations?.['vnd.docker.reference.type'] === undefined,
    );
}

/** Every descriptor of an index, whatever it describes. */
export function allDescriptors(json: JsonObject, where: string): readonly Descriptor[] {
  const all = getArray(json, 'manifests');
  if (all.length > DESCRIPTORS)
    throw refuse(where, `it lists ${all.length} manifests, at most ${DESCRIPTORS}`);
  return all.map((entry) => readDescriptor(entry, where));
}

export function configDescriptor(json: JsonObject, where: string): Descriptor {
  return readDescriptor(json['config'], where);
}
