import { createHash } from 'node:crypto';
import { getObject, getString } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { ociArtifactNow } from '../../boundaries/render/index.ts';
import type { Turn } from '../queue.ts';
import { reconcileSource } from './source-status.ts';
import type { SourceOptions } from './source-status.ts';

/** One look at an OCIRepository, and what follows from it for the status. */
export async function reconcileOciRepository(
  options: SourceOptions,
  source: KubeObject,
  turn: Turn,
): Promise<{ readonly again?: number } | undefined> {
  return reconcileSource(options, source, turn, {
    failed: 'OCIArtifactPullFailed',
    async find() {
      const { tag, digest } = await turn.outside(() => ociArtifactNow(options.client, source, turn.signal));
      const revision = tag === undefined ? digest : `${tag}@${digest}`;
      const spec = getObject(source, 'spec') ?? {};
      return {
        revision,
        digest: contentDigest(source, digest),
        file: `${digest.slice('sha256:'.length)}.tar.gz`,
        url: getString(spec, 'url') ?? '',
        reason: 'Succeeded',
        message: `stored artifact for digest '${revision}'`,
        status: {
          observedIgnore: spec['ignore'],
          observedLayerSelector: spec['layerSelector'],
        },
      };
    },
  });
}

/** Of everything that the files depend on: the manifest, and what is taken of it. */
function contentDigest(source: KubeObject, digest: string): string {
  const spec = getObject(source, 'spec') ?? {};
  const parts = [spec['url'] ?? '', digest, spec['layerSelector'] ?? null, spec['ignore'] ?? null];
  return `sha256:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}
