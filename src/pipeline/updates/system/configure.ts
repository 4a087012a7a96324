import { applicationSpec } from '../../../boundaries/index.ts';
import { getString } from '../../../kernel/index.ts';
import type { LandfallError } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import type { LandfallYaml } from '../../landfall-yaml/index.ts';
import {
  readArgo,
  readFlux,
  readLandfall,
  withDeclaredStyle,
  type Configuration,
  type DeclaredFor,
} from '../configuration/index.ts';
import type { UpdaterObjects } from './objects.ts';

/** What a deployment repository declares; `problem` where that is not known. */
export interface DeclaredRepository {
  readonly url: string;
  readonly file?: LandfallYaml | undefined;
  readonly problem?: LandfallError;
}

/**
 * Every updater of a cluster. `updates:` of landfall.yaml count before what others are configured with; while a
 * repository's landfall.yaml is not known, nothing is done for its applications.
 */
export function configure(
  { applications, imageUpdaters, flux }: UpdaterObjects,
  declared: readonly DeclaredRepository[],
): Configuration {
  const byUrl = new Map(declared.map((each) => [each.url, each]));
  const parts: Configuration[] = applications.map((application) => {
    const place = placeOfApplication(application);
    const declaredHere = fromLandfall(place, byUrl);
    if (declaredHere !== undefined) return declaredHere;
    // Neither annotations nor the resource say who commits: the file may, for every application of its repository.
    const { updaters, refused } = readArgo(application, imageUpdaters);
    const file = byUrl.get(place.git.url)?.file;
    return {
      updaters: file === undefined ? updaters : updaters.map((each) => withDeclaredStyle(each, file)),
      refused,
    };
  });
  for (const kustomization of flux.kustomizations) {
    const place = placeOfKustomization(kustomization, flux.gitRepositories);
    const found = place && fromLandfall(place, byUrl);
    // A problem of the file is told once, with its Applications; Flux' own objects go on.
    if (found !== undefined && found.updaters.length > 0) parts.push(found);
  }
  parts.push(readFlux(flux));
  return {
    updaters: parts.flatMap(({ updaters }) => updaters),
    refused: parts.flatMap(({ refused }) => refused),
  };
}

function fromLandfall(
  place: DeclaredFor,
  byUrl: ReadonlyMap<string, DeclaredRepository>,
): Configuration | undefined {
  const repository = byUrl.get(place.git.url);
  if (repository === undefined) return undefined;
  const application = { namespace: place.namespace, name: place.name };
  if (repository.problem !== undefined)
    return { updaters: [], refused: [{ application, name: 'all images', problem: repository.problem }] };
  if (repository.file === undefined) return undefined;
  const found = readLandfall(repository.file, place);
  return found.updaters.length + found.refused.length === 0 ? undefined : found;
}

function placeOfApplication(application: KubeObject): DeclaredFor {
  const { name, namespace = '' } = application.metadata;
  const { project, sources } = applicationSpec(application);
  const source = sources.find((each) => each.chart === undefined && each.path !== '') ?? sources[0];
  return {
    namespace,
    name,
    git: {
      url: source?.repoURL ?? '',
      project,
      revision: source?.targetRevision ?? 'HEAD',
      path: source?.path.replace(/^\.\//, '').replace(/\/+$/, '') || '.',
    },
  };
}

function placeOfKustomization(
  kustomization: KubeObject,
  gitRepositories: readonly KubeObject[],
): DeclaredFor | undefined {
  const { name, namespace = '' } = kustomization.metadata;
  const from = getString(kustomization, 'spec', 'sourceRef', 'name');
  const where = getString(kustomization, 'spec', 'sourceRef', 'namespace') || namespace;
  const source = gitRepositories.find(
    ({ metadata }) => metadata.name === from && metadata.namespace === where,
  );
  const branch = getString(source, 'spec', 'ref', 'branch');
  if (source === undefined || branch === undefined) return undefined;
  return {
    namespace,
    name,
    git: {
      url: getString(source, 'spec', 'url') ?? '',
      project: '',
      revision: branch,
      path: (getString(kustomization, 'spec', 'path') ?? '').replace(/^\.?\//, '').replace(/\/+$/, '') || '.',
    },
  };
}
