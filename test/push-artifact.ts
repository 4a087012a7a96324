import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../src/kernel/index.ts';
import { createRegistryClient } from '../src/oci/index.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** Pushes files as `flux push artifact` does it; gives the digest. */
export async function pushArtifact(
  repository: string,
  tag: string,
  files: Readonly<Record<string, string>>,
  annotations: { readonly revision?: string; readonly created?: string } = {},
): Promise<string> {
  const { signal } = new AbortController();
  const folder = await mkdtemp(path.join(tmpdir(), 'landfall-push-'));
  const client = createRegistryClient({ clock: systemClock });
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.join(folder, path.dirname(name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    const { stdout } = await promisify(execFile)('tar', ['-cz', '-C', folder, '.'], {
      encoding: 'buffer',
      maxBuffer: 1e7,
    });
    const layer = await client.pushBlob(repository, stdout, signal);
    const config = await client.pushBlob(repository, Buffer.from('{}'), signal);
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: 'application/vnd.cncf.flux.config.v1+json', digest: config.digest, size: 2 },
      layers: [
        {
          mediaType: 'application/vnd.cncf.flux.content.v1.tar+gzip',
          digest: layer.digest,
          size: stdout.length,
        },
      ],
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`org.opencontainers.image.${key}`, value]),
      ),
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    return (await client.putManifest(`${repository}:${tag}`, { mediaType: MANIFEST, bytes }, signal)).digest;
  } finally {
    client.close();
    await rm(folder, { recursive: true, force: true });
  }
}
