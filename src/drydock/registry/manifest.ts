import {
  getArray,
  getNumber,
  getObject,
  getString,
  isJsonObject,
  parseJson,
  type JsonObject,
  type JsonValue,
} from '../../kernel/index.ts';
import { OciFailure } from './failure.ts';
import { isDigest } from './names.ts';

export const INDEX_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
export const IMAGE_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]);

const FOREIGN_LAYER =
  /^application\/vnd\.(?:docker\.image\.rootfs\.foreign|oci\.image\.layer\.nondistributable)/;
const DESCRIPTOR_LIMIT = 5000;

export interface ParsedManifest {
  readonly mediaType: string;
  /** Blobs that must be in the repository. */
  readonly blobs: readonly string[];
  /** Manifests that must be in the repository. */
  readonly manifests: readonly string[];
  readonly subject?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function invalid(message: string): OciFailure {
  return new OciFailure(400, 'MANIFEST_INVALID', message);
}

function digestAt(descriptor: JsonValue | undefined, where: string): string {
  const digest = getString(descriptor, 'digest');
  const size = getNumber(descriptor, 'size');
  if (digest === undefined || !isDigest(digest)) {
    throw invalid(`${where}.digest is missing or not a sha256 digest.`);
  }
  if (size === undefined || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`${where}.size is missing or not a size in bytes.`);
  }
  if (getString(descriptor, 'mediaType') === undefined) throw invalid(`${where}.mediaType is missing.`);
  return digest;
}

/** Reads and checks a manifest or index as the image specification 1.1 and Docker's schema 2 define them. */
export function parseManifest(bytes: Buffer, contentType: string | undefined): ParsedManifest {
  let json: JsonValue;
  try {
    json = parseJson(bytes.toString('utf8'), 'The manifest');
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : 'The manifest is not JSON.');
  }
  if (!isJsonObject(json)) throw invalid('The manifest is not a JSON object.');
  if (json['schemaVersion'] !== 2)
    throw invalid('schemaVersion is not 2; older schemas are not stored here.');

  const declared = contentType?.split(';')[0]?.trim().toLowerCase();
  const own = getString(json, 'mediaType');
  if (own !== undefined && declared !== undefined && declared !== '' && own !== declared) {
    throw invalid(`The Content-Type is '${declared}' and the manifest's mediaType is '${own}'.`);
  }
  const mediaType = declared === undefined || declared === '' ? own : declared;
  if (mediaType === undefined) throw invalid('Neither a Content-Type nor a mediaType says what this is.');

  const rest = {
    ...subjectOf(json),
    ...annotationsOf(json),
  };
  if (INDEX_TYPES.has(mediaType)) {
    const manifests = getArray(json, 'manifests');
    if (!Array.isArray(json['manifests'])) throw invalid('manifests is missing or not a list.');
    if (manifests.length > DESCRIPTOR_LIMIT) throw invalid(`More than ${DESCRIPTOR_LIMIT} manifests.`);
    const artifactType = getString(json, 'artifactType');
    return {
      mediaType,
      blobs: [],
      manifests: manifests.map((entry, at) => digestAt(entry, `manifests[${at}]`)),
      ...rest,
      ...(artifactType === undefined ? {} : { artifactType }),
    };
  }
  if (!IMAGE_TYPES.has(mediaType))
    throw invalid(`'${mediaType}' is not a manifest type that is stored here.`);
  const layers = getArray(json, 'layers');
  if (!Array.isArray(json['layers'])) throw invalid('layers is missing or not a list.');
  if (layers.length > DESCRIPTOR_LIMIT) throw invalid(`More than ${DESCRIPTOR_LIMIT} layers.`);
  const blobs = [digestAt(json['config'], 'config')];
  for (const [at, layer] of layers.entries()) {
    const digest = digestAt(layer, `layers[${at}]`);
    const foreign = FOREIGN_LAYER.test(getString(layer, 'mediaType') ?? '');
    if (!foreign) blobs.push(digest);
  }
  // Without an artifactType of its own, a manifest is of the type that its config has (distribution specification).
  const artifactType = getString(json, 'artifactType') ?? getString(json, 'config', 'mediaType');
  return {
    mediaType,
    blobs,
    manifests: [],
    ...rest,
    ...(artifactType === undefined ? {} : { artifactType }),
  };
}

function subjectOf(json: JsonObject): { subject?: string } {
  if (json['subject'] === undefined || json['subject'] === null) return {};
  return { subject: digestAt(json['subject'], 'subject') };
}

function annotationsOf(json: JsonObject): { annotations?: Readonly<Record<string, string>> } {
  const found = getObject(json, 'annotations');
  if (found === undefined) return {};
  const annotations: Record<string, string> = {};
  for (const [key, value] of Object.entries(found)) {
    if (typeof value !== 'string') throw invalid(`The annotation '${key}' is not a string.`);
    annotations[key] = value;
  }
  return { annotations };
}
