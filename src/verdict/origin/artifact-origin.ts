import { getString, LandfallError } from '../../kernel/index.ts';
import { attempt, durationMs, read, shortDigest, valueOf } from '../../boundaries/index.ts';
import { createArtifacts, ociArtifactFacts, ociArtifactNow } from '../../boundaries/render/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { ApplicationSpec } from '../application.ts';
import { renderKustomization } from '../flux.ts';
import type { Sources } from '../question.ts';
import type { Origin } from './origin.ts';

const COMMIT = /(?:^|[@:/])([0-9a-f]{40}|[0-9a-f]{64})$/;

/** A Kustomization whose files are an artifact of a registry: what its tag names now, whatever was fetched last. */
export async function artifactOrigin(
  sources: Sources,
  spec: ApplicationSpec,
  source: KubeObject,
  signal: AbortSignal,
): Promise<Origin> {
  const { kube, registry } = sources;
  const now = await attempt(() => ociArtifactNow(kube, source, signal, registry), signal);
  const digest = valueOf(now)?.digest;
  const files =
    digest === undefined
      ? undefined
      : await attempt(() => createArtifacts(kube, registry).tree(source, digest, signal), signal);
  const facts =
    digest === undefined
      ? undefined
      : valueOf(await attempt(() => ociArtifactFacts(kube, source, digest, signal, registry), signal));
  const tree = valueOf(files);
  // The commit that it was made from, as who pushed it says.
  const commit = COMMIT.exec(facts?.revision ?? '')?.[1];
  const tag = valueOf(now)?.tag;
  const reference = `${spec.repository.replace(/^oci:\/\//, '')}${tag === undefined ? '' : `:${tag}`}`;
  const fetched = getString(source, 'status', 'artifact', 'revision');
  const interval = durationMs(getString(source, 'spec', 'interval'));
  const pathExists = tree === undefined || spec.path === '.' || (await tree.kind(spec.path)) === 'directory';
  return {
    display: spec.repository,
    tracked:
      now.state !== 'read'
        ? now
        : read({
            repository: spec.repository,
            revision: tag ?? spec.revision,
            commit: now.value.digest,
            kind: 'artifact',
            path: spec.path,
            pathExists,
            source: { type: 'registry', reference },
            told: [
              ...(commit === undefined ? [] : [{ attribute: 'commit', value: commit }]),
              ...(fetched === undefined ? [] : [{ attribute: 'source.status.artifact', value: fetched }]),
            ],
          }),
    expected: now.state === 'read' ? read(now.value.digest) : now,
    since: facts?.created,
    ...(interval === undefined ? {} : { pollMs: interval }),
    files: tree,
    async render() {
      if (tree !== undefined) return { set: await renderKustomization(kube, spec, tree, signal), also: [] };
      throw new LandfallError(
        `The artifact ${reference} could not be read: ${files === undefined || files.state === 'read' ? 'what it is now is not known' : files.why}`,
        {
          kind: 'unavailable',
          code:
            files === undefined || files.state === 'read'
              ? 'artifact-unread'
              : (files.code ?? 'artifact-unread'),
          object: reference,
          hint: 'Check that the registry can be reached from here, and the credentials for it.',
        },
      );
    },
    find(revision) {
      const known = [digest, digest?.replace('sha256:', ''), commit, tag];
      const same = known.some(
        (each) =>
          each === revision ||
          (revision.length >= 7 && isHex(revision) && each?.startsWith(revision) === true),
      );
      if (same && digest !== undefined) return Promise.resolve({ commit: digest, contained: true });
      if (/^sha256:[0-9a-f]{64}$/.test(revision))
        return Promise.resolve({ commit: revision, contained: false });
      return Promise.reject(
        new LandfallError(
          `${reference} is ${digest === undefined ? 'not known' : shortDigest(digest)}, and not ${revision}.`,
          { kind: 'not-found', code: 'git-revision-missing', object: revision },
        ),
      );
    },
  };
}

function isHex(text: string): boolean {
  return /^[0-9a-f]+$/.test(text);
}
