import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../src/kernel/index.ts';
import { createRegistryClient } from '../../src/oci/index.ts';

export interface ArtifactPusher {
  /** As `flux push artifact` does it; gives the digest. */
  push(
    repository: string,
    tag: string,
    files: Readonly<Record<string, string>>,
    annotations?: { readonly revision?: string; readonly created?: string },
  ): Promise<string>;
}

export function createArtifactPusher(host: string): ArtifactPusher {
  return {
    async push(repository, tag, files, annotations = {}) {
      const folder = await mkdtemp(path.join(tmpdir(), 'landfall-push-'));
      const client = createRegistryClient({ clock: systemClock });
      try {
        for (const [name, text] of Object.entries(files)) {
          await mkdir(path.join(folder, path.dirname(name)), { recursive: true });
          await writeFile(path.join(folder, name), text);
        }
        const packed = await promisify(execFile)('tar', ['-cz', '-C', folder, '.'], {
          encoding: 'buffer',
          maxBuffer: 1e7,
        });
        const name = `${host}/${repository}`;
        const signal = new AbortController().signal;
        const layer = await client.pushBlob(name, packed.stdout, signal);
        const config = await client.pushBlob(name, Buffer.from('{}'), signal);
        const mediaType = 'application/vnd.oci.image.manifest.v1+json';
        const manifest = {
          schemaVersion: 2,
          mediaType,
          config: { mediaType: 'application/vnd.cncf.flux.config.v1+json', digest: config.digest, size: 2 },
          layers: [
            {
              mediaType: 'application/vnd.cncf.flux.content.v1.tar+gzip',
              digest: layer.digest,
              size: packed.stdout.length,
            },
          ],
          annotations: Object.fromEntries(
            Object.entries(annotations).map(([key, value]) => [`org.opencontainers.image.${key}`, value]),
          ),
        };
        const bytes = Buffer.from(JSON.stringify(manifest));
        const { digest } = await client.putManifest(`${name}:${tag}`, { mediaType, bytes }, signal);
        if (digest !== `sha256:${createHash('sha256').update(bytes).digest('hex')}`) throw new Error(digest);
        return digest;
      } finally {
        client.close();
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
