import { gzipSync } from 'node:zlib';
import { sha256 } from './registry-client.ts';

export interface FixtureFile {
  readonly path: string;
  readonly content?: string;
  readonly type?: '0' | '1' | '2' | '5';
  readonly link?: string;
  readonly mode?: number;
}

/** A tar archive of these entries, for tests. */
export function tarOf(files: readonly FixtureFile[]): Buffer {
  const blocks: Buffer[] = [];
  for (const file of files) {
    const content = Buffer.from(file.content ?? '');
    const header = Buffer.alloc(512);
    const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, '0');
    header.write(file.path, 0);
    header.write(octal(file.mode ?? 0o644, 8), 100);
    header.write(octal(content.length, 12), 124);
    header.write(octal(0, 12), 136);
    header.write('        ', 148);
    header.write(file.type ?? '0', 156);
    header.write(file.link ?? '', 157);
    header.write('ustar\u000000', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${octal(sum, 7)}\0 `, 148, 'latin1');
    blocks.push(header, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  blocks.push(Buffer.alloc(1024));
  return Buffer.concat(blocks);
}

export interface FixtureImage {
  readonly files: Readonly<Record<string, string>>;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: readonly string[];
  readonly workingDir?: string;
}

/** Builds an image and pushes it under a tag, for tests; the digest of its manifest. */
export async function pushImage(
  registryUrl: string,
  repository: string,
  tag: string,
  image: FixtureImage,
): Promise<string> {
  const tar = tarOf(Object.entries(image.files).map(([path, content]) => ({ path, content, mode: 0o755 })));
  const layer = gzipSync(tar);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: {
        Entrypoint: image.entrypoint ?? ['node', '/app/main.js'],
        Cmd: image.cmd ?? [],
        Env: image.env ?? [],
        WorkingDir: image.workingDir ?? '/',
      },
      rootfs: { type: 'layers', diff_ids: [sha256(tar)] },
    }),
  );
  const descriptor = async (mediaType: string, bytes: Buffer) => {
    const digest = sha256(bytes);
    await upload(registryUrl, repository, digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: await descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [await descriptor('application/vnd.oci.image.layer.v1.tar+gzip', layer)],
  });
  const response = await fetch(`${registryUrl}/v2/${repository}/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
    body: manifest,
  });
  if (!response.ok) throw new Error(`the manifest was refused: ${response.status} ${await response.text()}`);
  return sha256(Buffer.from(manifest));
}

async function upload(url: string, repository: string, digest: string, bytes: Buffer): Promise<void> {
  const started = await fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(started.headers.get('location') ?? '', url);
  location.searchParams.set('digest', digest);
  const response = await fetch(location, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(bytes),
  });
  if (!response.ok) throw new Error(`the blob was refused: ${response.status} ${await response.text()}`);
}
