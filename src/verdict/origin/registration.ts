import { LandfallError } from '../../kernel/index.ts';
import { FLUX_KUSTOMIZATION, fieldDifferences, fieldPath, whereSet } from '../../boundaries/index.ts';
import type { RenderedFacts } from '../../boundaries/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { readKustomization } from '../flux.ts';
import type { Sources } from '../question.ts';
import { artifactOrigin } from './artifact-origin.ts';
import { gitOrigin } from './git-origin.ts';
import type { Registration } from './origin.ts';

const NAME = 'kustomize.toolkit.fluxcd.io/name';
const NAMESPACE = 'kustomize.toolkit.fluxcd.io/namespace';

/** A release as the files of a Kustomization ask for it. */
export interface Registered {
  /** With the status that the cluster has of it. */
  readonly release: KubeObject;
  readonly facts: RenderedFacts;
  readonly files: FileTree | undefined;
  readonly registration: Registration;
}

/**
 * The Kustomization that delivers a release, by its labels; undefined where it has none, and where that Kustomization
 * is gone. Throws what cannot be read, and `not-found` where its files ask for the release no more.
 */
export async function registrationOf(
  sources: Sources,
  release: KubeObject,
  signal: AbortSignal,
): Promise<Registered | undefined> {
  const { labels } = release.metadata;
  const [name, namespace] = [labels?.[NAME], labels?.[NAMESPACE]];
  if (name === undefined || namespace === undefined) return undefined;
  const kustomization = await sources.kube.get({ ...FLUX_KUSTOMIZATION, namespace, name }, signal);
  if (kustomization === undefined) return undefined;
  const spec = await readKustomization(sources.kube, kustomization, signal);
  if (spec.from.kind !== 'git' && spec.from.kind !== 'artifact') return undefined;
  const origin =
    spec.from.kind === 'git'
      ? await gitOrigin(sources, spec, signal)
      : await artifactOrigin(sources, spec, spec.from.source, signal);
  const where = `Kustomization ${namespace}/${name}`;
  if (origin.tracked.state !== 'read') {
    throw new LandfallError(
      `${where} delivers the release, and what it asks for is not known: ${origin.tracked.why}`,
      {
        kind: 'unavailable',
        code: origin.tracked.code ?? 'registration-unread',
        ...(origin.tracked.hint === undefined ? {} : { hint: origin.tracked.hint }),
      },
    );
  }
  const { set } = await origin.render();
  if (set.failure !== undefined) {
    throw new LandfallError(`${where} delivers the release, and does not render: ${set.failure.message}`, {
      kind: 'unavailable',
      code: set.failure.code,
      hint: `landfall prove ${name} -n ${namespace}`,
    });
  }
  const facts = set.objects.find(({ object }) => isSame(object, release, spec.destination));
  if (facts === undefined) {
    throw new LandfallError(
      `${where} at ${origin.tracked.value.revision} asks for the HelmRelease ${release.metadata.name} no more.`,
      {
        kind: 'not-found',
        code: 'release-unregistered',
        object: release.metadata.name,
        hint: 'It is pruned when the Kustomization prunes; bring its file back, or delete it.',
      },
    );
  }
  const differences = fieldDifferences({ ...facts.object, metadata: { name: '' } }, release).filter(
    ({ path }) => path[0] === 'spec',
  );
  return {
    release: { ...release, spec: facts.object['spec'] ?? {} },
    facts,
    files: origin.files,
    registration: {
      kustomization,
      expected: origin.expected,
      since: origin.since,
      ...(origin.pollMs === undefined ? {} : { pollMs: origin.pollMs }),
      differs: differences.map(({ path }) => ({ field: fieldPath(path), where: whereSet(facts, path) })),
    },
  };
}

function isSame(object: KubeObject, release: KubeObject, destination: string): boolean {
  return (
    object.kind === release.kind &&
    object.metadata.name === release.metadata.name &&
    (object.metadata.namespace ?? destination) === (release.metadata.namespace ?? 'default')
  );
}
