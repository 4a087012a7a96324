import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LandfallError } from '../../kernel/index.ts';
import { CONFIG_MAPS, SECRETS } from '../controllers/index.ts';
import type { Container, Pod, Volume, VolumeItem } from '../controllers/index.ts';
import type { NodeContext } from './context.ts';
import { downwardFiles } from './environment.ts';

/** A path in the container and the folder or file of this machine that stands behind it. */
export type Mount = readonly [path: string, target: string];

/**
 * Makes the volumes that a container mounts and answers where they are. Volumes belong to the pod: containers share
 * them, and claims outlive it. Throws what is shown as FailedMount.
 */
export async function containerMounts(
  context: NodeContext,
  pod: Pod,
  container: Container,
  podFolder: string,
): Promise<readonly Mount[]> {
  const mounts: Mount[] = [];
  for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
    const volume = pod.spec.volumes?.find((candidate) => candidate.name === name);
    if (volume === undefined) throw failed(name, 'the pod has no volume of this name');
    const at = path.resolve('/', mountPath);
    if (at === '/') throw failed(name, 'a volume cannot stand for the whole file system of a container');
    const folder = await volumeFolder(context, pod, volume, podFolder);
    const target = subPath === undefined ? folder : path.join(folder, path.resolve('/', subPath));
    if (subPath !== undefined && volume.configMap === undefined && volume.secret === undefined) {
      await mkdir(target, { recursive: true });
    }
    mounts.push([at, target]);
  }
  return mounts;
}

/** Writes ConfigMaps, Secrets and fields of the pod anew into the volumes that show them. */
export async function refreshVolumes(context: NodeContext, pod: Pod, podFolder: string): Promise<void> {
  for (const volume of pod.spec.volumes ?? []) {
    if (hasContent(volume)) await volumeFolder(context, pod, volume, podFolder);
  }
}

export function hasContent(volume: Volume): boolean {
  return ['configMap', 'secret', 'downwardAPI', 'projected'].some((kind) => volume[kind] !== undefined);
}

/** Puts the mounts into a container's own file system, for paths that are relative to its working directory. */
export async function linkMounts(root: string, mounts: readonly Mount[]): Promise<void> {
  for (const [at, target] of mounts) {
    const link = path.join(root, at);
    await mkdir(path.dirname(link), { recursive: true });
    await rm(link, { recursive: true, force: true });
    await symlink(target, link);
  }
}

async function volumeFolder(
  context: NodeContext,
  pod: Pod,
  volume: Volume,
  podFolder: string,
): Promise<string> {
  const namespace = pod.metadata.namespace ?? '';
  const claim = volume['persistentVolumeClaim'] as { claimName?: string } | undefined;
  if (claim !== undefined) {
    const folder = path.join(context.work.path, 'claims', namespace, claim.claimName ?? '');
    await mkdir(folder, { recursive: true });
    return folder;
  }
  const folder = path.join(podFolder, 'volumes', volume.name);
  await mkdir(folder, { recursive: true });
  if (volume.emptyDir !== undefined) return folder;
  if (!hasContent(volume)) {
    const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';
    throw failed(volume.name, `volumes of the kind ${kind} are not supported by this node`);
  }
  await writeFiles(folder, await filesOf(context, pod, volume, folder));
  return folder;
}

interface Sources {
  readonly configMap?: { readonly name?: string; readonly optional?: boolean; readonly items?: VolumeItem[] };
  readonly secret?: {
    readonly secretName?: string;
    readonly name?: string;
    readonly optional?: boolean;
    readonly items?: VolumeItem[];
  };
  readonly downwardAPI?: { readonly items?: { path: string; fieldRef?: { fieldPath: string } }[] };
  readonly serviceAccountToken?: TokenSource;
}

async function filesOf(
  context: NodeContext,
  pod: Pod,
  volume: Volume,
  folder: string,
): Promise<Map<string, Buffer>> {
  const projected = volume['projected'] as { sources?: Sources[] } | undefined;
  const sources: readonly Sources[] = projected?.sources ?? [volume];
  const files = new Map<string, Buffer>();
  const add = (found: ReadonlyMap<string, Buffer>) => {
    for (const [name, content] of found) files.set(name, content);
  };
  for (const { configMap, secret, downwardAPI, serviceAccountToken } of sources) {
    if (configMap !== undefined) {
      add(configFiles(context, pod, volume.name, configMap.name ?? '', configMap));
    }
    if (secret !== undefined) {
      add(secretFiles(context, pod, volume.name, secret.secretName ?? secret.name ?? '', secret));
    }
    if (downwardAPI !== undefined) add(downwardFiles(pod, downwardAPI.items ?? []));
    if (serviceAccountToken !== undefined) {
      files.set(serviceAccountToken.path, await currentToken(context, pod, volume.name, serviceAccountToken, folder));
    }
  }
  return files;
}

interface TokenSource {
  readonly path: string;
  readonly audience?: string;
  readonly expirationSeconds?: number;
}

/** The token that is there, or another one once four fifths of its time are over, as the kubelet does. */
async function currentToken(
  { api, tokens }: NodeContext,
  pod: Pod,
  volume: string,
  { path: name, audience, expirationSeconds = 3600 }: TokenSource,
  folder: string,
): Promise<Buffer> {
  const written = await readFile(path.join(folder, path.resolve('/', name))).catch(() => undefined);
  const now = api.clock.now();
  if (written !== undefined && expiryOf(written) - now > (expirationSeconds * 1000) / 5) return written;
  const issued = tokens(pod, audience, expirationSeconds);
  if (issued !== undefined) return Buffer.from(issued.token);
  const account = pod.spec.serviceAccountName ?? 'default';
  throw failed(volume, `failed to fetch token: serviceaccounts "${account}" not found`);
}

/** When a JSON Web Token ends, in milliseconds; 0 for what is none. */
function expiryOf(token: Buffer): number {
  try {
    const payload = Buffer.from(token.toString('utf8').split('.')[1] ?? '', 'base64url').toString('utf8');
    const { exp } = JSON.parse(payload) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : 0;
  } catch {
    return 0;
  }
}

interface Selection {
  readonly optional?: boolean;
  readonly items?: readonly VolumeItem[];
}

function configFiles(
  { api }: NodeContext,
  pod: Pod,
  volume: string,
  name: string,
  selection: Selection,
): Map<string, Buffer> {
  const found = api.get(CONFIG_MAPS, pod.metadata.namespace, name);
  if (found === undefined && selection.optional !== true)
    throw failed(volume, `configmap "${name}" not found`);
  const data = Object.entries((found?.['data'] ?? {}) as Record<string, string>);
  const binary = Object.entries((found?.['binaryData'] ?? {}) as Record<string, string>);
  return selected(
    volume,
    new Map([
      ...data.map(([key, value]) => [key, Buffer.from(value)] as const),
      ...binary.map(([key, value]) => [key, Buffer.from(value, 'base64')] as const),
    ]),
    selection,
  );
}

function secretFiles(
  { api }: NodeContext,
  pod: Pod,
  volume: string,
  name: string,
  selection: Selection,
): Map<string, Buffer> {
  const found = api.get(SECRETS, pod.metadata.namespace, name);
  if (found === undefined && selection.optional !== true) throw failed(volume, `secret "${name}" not found`);
  const data = Object.entries((found?.['data'] ?? {}) as Record<string, string>);
  return selected(
    volume,
    new Map(data.map(([key, value]) => [key, Buffer.from(value, 'base64')] as const)),
    selection,
  );
}

function selected(volume: string, all: Map<string, Buffer>, selection: Selection): Map<string, Buffer> {
  if (selection.items === undefined) return all;
  const files = new Map<string, Buffer>();
  for (const { key, path: name } of selection.items) {
    const content = all.get(key);
    if (content !== undefined) files.set(name, content);
    else if (selection.optional !== true) throw failed(volume, `references non-existent config key: ${key}`);
  }
  return files;
}

/** Each file is replaced as a whole, and what is no longer there goes. */
async function writeFiles(folder: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [name, content] of files) {
    const file = path.join(folder, path.resolve('/', name));
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(`${file}.new`, content);
    await rename(`${file}.new`, file);
  }
  const kept = new Set([...files.keys()].map((name) => path.resolve('/', name).split('/')[1]));
  for (const name of await readdir(folder)) {
    if (!kept.has(name)) await rm(path.join(folder, name), { recursive: true, force: true });
  }
}

function failed(volume: string, reason: string): LandfallError {
  return new LandfallError(`MountVolume.SetUp failed for volume "${volume}" : ${reason}`, {
    kind: 'invalid-input',
    code: 'volume-mount',
    object: volume,
  });
}
