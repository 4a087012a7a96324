import { LandfallError } from '../kernel/index.ts';
import { digestOf } from './digest.ts';
import { packLayer } from './layer.ts';
import { platformText, type Platform } from './manifest.ts';
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST } from './media-types.ts';
import { withoutCredentials } from './source-url.ts';

/** What an image says of where it comes from; in its config, so that the config's digest is bound to the commit. */
export interface ImageLabels {
  /** `org.opencontainers.image.revision`: the commit. */
  readonly revision: string;
  /** `org.opencontainers.image.source`: the repository. Credentials in a URL are left out. */
  readonly source?: string;
  /** `org.opencontainers.image.version` */
  readonly version?: string;
  /** Further labels, by their full names. */
  readonly others?: Readonly<Record<string, string>>;
}

export interface ImageRecipe {
  /** Its content goes to `workingDir`; `.git` is left out. */
  readonly folder: string;
  readonly entrypoint: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Absolute. Default `/app`. */
  readonly workingDir?: string;
  /** TCP ports, or `8125/udp`. */
  readonly exposedPorts?: readonly (number | string)[];
  readonly user?: string;
  readonly labels: ImageLabels;
  /** ISO 8601: the commit's time, so that building again makes the same image. */
  readonly created: string;
  /** Default: Linux on this machine's architecture. The files are the same for all of them. */
  readonly platforms?: readonly Platform[];
  /** Default 50,000. */
  readonly maxFiles?: number;
  /** Of content before compression. Default 512 MiB. */
  readonly maxBytes?: number;
}

/** A piece of an image, ready to be pushed. */
export interface ImagePart {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

export interface BuiltPlatform {
  readonly platform: Platform;
  readonly manifest: ImagePart;
  readonly config: ImagePart;
}

/** A whole image in memory. */
export interface BuiltImage {
  readonly index: ImagePart;
  readonly platforms: readonly BuiltPlatform[];
  readonly layers: readonly ImagePart[];
  readonly created: string;
  /** Files, folders and links in it. */
  readonly files: number;
}

const LABEL = 'org.opencontainers.image.';
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/**
 * Makes an OCI image from a folder, without a container engine and without a base image. The same folder and recipe
 * make the same bytes (compressed by the same version of zlib; the config digest does not even depend on that).
 */
export async function buildImage(recipe: ImageRecipe, signal: AbortSignal): Promise<BuiltImage> {
  const created = checkRecipe(recipe);
  const workingDir = recipe.workingDir ?? '/app';
  const layer = await packLayer({
    folder: recipe.folder,
    at: workingDir,
    mtime: Date.parse(created),
    maxFiles: recipe.maxFiles ?? 50_000,
    maxBytes: recipe.maxBytes ?? 512 * 1024 * 1024,
    signal,
  });
  const labels = labelsOf(recipe.labels, created);
  const layerPart = { mediaType: OCI_LAYER_GZIP, digest: layer.digest, bytes: layer.bytes };
  const platforms = (recipe.platforms ?? [ownPlatform()]).map((platform): BuiltPlatform => {
    const config = part(OCI_CONFIG, {
      created,
      architecture: platform.architecture,
      os: platform.os,
      ...(platform.variant === undefined ? {} : { variant: platform.variant }),
      config: {
        ...(recipe.user === undefined ? {} : { User: recipe.user }),
        ...portsOf(recipe.exposedPorts ?? []),
        Env: Object.entries(recipe.env ?? {})
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, value]) => `${name}=${value}`),
        Entrypoint: recipe.entrypoint,
        ...(recipe.cmd === undefined ? {} : { Cmd: recipe.cmd }),
        WorkingDir: workingDir,
        Labels: labels,
      },
      rootfs: { type: 'layers', diff_ids: [layer.diffId] },
      history: [{ created, created_by: 'landfall build' }],
    });
    const manifest = part(OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describe(config),
      layers: [describe(layerPart)],
      annotations: labels,
    });
    return { platform, manifest, config };
  });
  const index = part(OCI_INDEX, {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: platforms.map(({ platform, manifest }) => ({ ...describe(manifest), platform })),
    annotations: labels,
  });
  return { index, platforms, layers: [layerPart], created, files: layer.files };
}

function part(mediaType: string, json: unknown): ImagePart {
  const bytes = Buffer.from(JSON.stringify(json));
  return { mediaType, digest: digestOf(bytes), bytes };
}

function describe({ mediaType, digest, bytes }: ImagePart): {
  mediaType: string;
  digest: string;
  size: number;
} {
  return { mediaType, digest, size: bytes.length };
}

/** Containers run Linux, whatever this machine runs. */
export function ownPlatform(): Platform {
  return { os: 'linux', architecture: ARCHITECTURES[process.arch] ?? process.arch };
}

function labelsOf(
  { revision, source, version, others = {} }: ImageLabels,
  created: string,
): Readonly<Record<string, string>> {
  const labels = {
    ...others,
    [`${LABEL}created`]: created,
    [`${LABEL}revision`]: revision,
    ...(source === undefined ? {} : { [`${LABEL}source`]: withoutCredentials(source) }),
    ...(version === undefined ? {} : { [`${LABEL}version`]: version }),
  };
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function portsOf(ports: readonly (number | string)[]): { ExposedPorts?: Record<string, object> } {
  if (ports.length === 0) return {};
  const named = ports.map((port) => (typeof port === 'number' ? `${port}/tcp` : port));
  return { ExposedPorts: Object.fromEntries([...new Set(named)].sort().map((port) => [port, {}])) };
}

/** Answers `created` in the one form that is written. */
function checkRecipe(recipe: ImageRecipe): string {
  const refuse = (what: string, hint: string) =>
    new LandfallError(`The image of ${recipe.folder} cannot be built: ${what}.`, {
      kind: 'invalid-input',
      code: 'image-recipe-invalid',
      object: recipe.folder,
      hint,
    });
  const time = Date.parse(recipe.created);
  if (Number.isNaN(time)) throw refuse(`created is '${recipe.created}'`, 'Write it as 2026-01-31T12:00:00Z.');
  if (recipe.entrypoint.length === 0) throw refuse('it has no entrypoint', 'Say what to start.');
  if (recipe.labels.revision === '') throw refuse('it has no revision', 'Name the commit it is built from.');
  const workingDir = recipe.workingDir ?? '/app';
  if (!/^\/(?:[^/\0]+\/?)*$/.test(workingDir) || /(?:^|\/)\.\.?(?:\/|$)/.test(workingDir)) {
    throw refuse(`workingDir is '${workingDir}'`, 'Write an absolute path without dots, such as /app.');
  }
  for (const port of recipe.exposedPorts ?? []) {
    const number = Number(/^(\d{1,5})(?:\/(?:tcp|udp|sctp))?$/.exec(String(port))?.[1]);
    if (!(number >= 1 && number <= 65_535)) throw refuse(`${port} is not a port`, 'Write 8080 or 8125/udp.');
  }
  for (const name of Object.keys(recipe.env ?? {})) {
    if (name === '' || name.includes('=') || name.includes('\0')) {
      throw refuse(`'${name}' is not the name of a variable`, 'Write it without = in it.');
    }
  }
  const texts = (recipe.platforms ?? []).map(platformText);
  if (recipe.platforms?.length === 0) throw refuse('it has no platform', 'Name at least one.');
  if (new Set(texts).size < texts.length) throw refuse('a platform is named twice', 'Name each once.');
  return new Date(time).toISOString();
}
