import {
  getArray,
  getIn,
  getNumber,
  getObject,
  getString,
  LandfallError,
  parseJson,
} from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { ImageConfig } from './image-store.ts';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface ImageManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

const MAX_LAYERS = 128;
const MAX_ENTRIES = 1000;

/** The digest that an index has for a platform; undefined when the document is no index. Throws `image-platform`. */
export function platformDigest(bytes: Buffer, architecture: string, image: string): string | undefined {
  const index = parseJson(bytes.toString('utf8'), `the manifest of ${image}`);
  if (getIn(index, 'manifests') === undefined) return undefined;
  for (const entry of getArray(index, 'manifests').slice(0, MAX_ENTRIES)) {
    if (getString(entry, 'platform', 'os') !== 'linux') continue;
    if (getString(entry, 'platform', 'architecture') !== architecture) continue;
    return descriptor(entry, `an entry of the index of ${image}`).digest;
  }
  throw new LandfallError(
    `failed to pull and unpack image "${image}": no match for platform in manifest: not found`,
    { kind: 'not-found', code: 'image-platform', object: image },
  );
}

/** A platform's manifest. Throws `image-manifest` for what is none. */
export function readManifest(bytes: Buffer, what: string): ImageManifest {
  const manifest = parseJson(bytes.toString('utf8'), what);
  const layers = getArray(manifest, 'layers');
  if (layers.length > MAX_LAYERS) throw wrong(what, `more than ${MAX_LAYERS} layers`);
  return {
    config: descriptor(getIn(manifest, 'config'), `the config of ${what}`),
    layers: layers.map((layer, index) => descriptor(layer, `layer ${index + 1} of ${what}`)),
  };
}

/** What an image wants to run. Throws `image-manifest` for what is no image config. */
export function readConfig(bytes: Buffer, what: string): ImageConfig {
  const document = parseJson(bytes.toString('utf8'), what);
  const config: JsonValue = getObject(document, 'config') ?? {};
  return {
    entrypoint: texts(config, 'Entrypoint', what),
    cmd: texts(config, 'Cmd', what),
    env: texts(config, 'Env', what),
    workingDir: getString(config, 'WorkingDir') || '/',
    stopSignal: getString(config, 'StopSignal'),
  };
}

function texts(config: JsonValue, field: string, what: string): readonly string[] {
  return getArray(config, field).map((item) => {
    if (typeof item !== 'string') throw wrong(what, `${field} holds something else than text`);
    return item;
  });
}

function descriptor(value: JsonValue | undefined, what: string): Descriptor {
  const digest = getString(value, 'digest') ?? '';
  const size = getNumber(value, 'size') ?? -1;
  if (!/^sha256:[a-f0-9]{64}$/.test(digest)) throw wrong(what, 'no sha256 digest');
  if (!Number.isSafeInteger(size) || size < 0) throw wrong(what, 'no size');
  return { mediaType: getString(value, 'mediaType') ?? '', digest, size };
}

function wrong(what: string, found: string): LandfallError {
  return new LandfallError(`${what} is not what the image specification asks for: ${found}.`, {
    kind: 'invalid-input',
    code: 'image-manifest',
  });
}
