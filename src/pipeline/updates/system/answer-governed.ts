import type { GovernedImage } from '../../../boundaries/intent/index.ts';
import { createAncestry } from '../ancestry.ts';
import { governedImages } from '../governed.ts';
import { createRegistries } from '../registries.ts';
import type { Ledger } from '../../../ledger/index.ts';
import type { RegistryClientOptions } from '../../../oci/index.ts';
import type { Question, Sources } from '../../../verdict/index.ts';
import { parseLandfallYaml } from '../../landfall-yaml/index.ts';
import { configure } from './configure.ts';
import { readObjectsFor } from './objects.ts';
import { createRegistryClients } from './registry-clients.ts';
import { clusterSources } from './sources.ts';

/** Answers the proof of an application with what its image policies would choose now. */
export function answerGoverned(
  sources: Sources & { readonly registryOptions?: RegistryClientOptions },
  ledger: Pick<Ledger, 'holds'>,
): NonNullable<Question['governedBy']> {
  const { kube, git, registry, clock, registryOptions } = sources;
  return async ({ spec, file, mirror, commit, set }, signal): Promise<readonly GovernedImage[]> => {
    const objects = await readObjectsFor(kube, spec.object, signal);
    const declared = file === undefined ? [] : [{ url: spec.repository, file: parseLandfallYaml(file) }];
    const updaters = configure(objects, declared).updaters.filter(({ application, covers = [application] }) =>
      covers.some(({ namespace, name }) => namespace === spec.namespace && name === spec.name),
    );
    if (updaters.length === 0) return [];
    const secrets = updaters.some(({ images }) => images.some(({ pullSecret }) => pullSecret !== undefined));
    const clients =
      secrets && registryOptions !== undefined ? createRegistryClients(kube, registryOptions) : undefined;
    try {
      const ancestry = createAncestry(async (url, limit) => {
        const source = git.open(url);
        await source.fetch(limit);
        return source;
      });
      const registries = createRegistries({
        client: (secret, limit) => clients?.of(secret, limit) ?? Promise.resolve(registry),
        clock,
      });
      const cluster = clusterSources({
        kube,
        git,
        clients: clients ?? { of: () => Promise.resolve(registry), close: () => {} },
        objects: () => objects,
        ledger,
        clock,
        template: (text) => text,
      });
      const [first] = updaters;
      return await governedImages(
        updaters,
        {
          registries,
          ancestry,
          clock,
          platforms: first === undefined ? [] : await cluster.platforms(first, signal),
          holds: (updater) => cluster.holds(updater, signal),
          mirror,
          commit,
          tree: mirror.tree(commit),
          set,
        },
        signal,
      );
    } finally {
      clients?.close();
    }
  };
}
