import type { TagFilter, TagPolicy } from '../../../boundaries/intent/index.ts';
import { asLandfallError, getArray, getIn, getObject, getString } from '../../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { fitsSelector } from './labels.ts';
import {
  DEFAULT_INTERVAL,
  DEFAULT_PER_HOUR,
  type ImageRule,
  type RefusedRule,
  type Updater,
} from './model.ts';
import { configurationError, fullName, pathInRepository } from './names.ts';
import { durationMs } from '../../../boundaries/sync/index.ts';

const GROUP = 'image.toolkit.fluxcd.io/v1';
export const IMAGE_REPOSITORY = { apiVersion: GROUP, kind: 'ImageRepository' } as const;
export const IMAGE_POLICY = { apiVersion: GROUP, kind: 'ImagePolicy' } as const;
export const IMAGE_UPDATE_AUTOMATION = { apiVersion: GROUP, kind: 'ImageUpdateAutomation' } as const;

/** Flux' own default: signatures of cosign are no images. */
const EXCLUDED = ['^.*\\.sig$'];

/** The objects of Flux that an updater is made of. */
export interface FluxObjects {
  readonly repositories: readonly KubeObject[];
  readonly policies: readonly KubeObject[];
  readonly automations: readonly KubeObject[];
  readonly gitRepositories: readonly KubeObject[];
  readonly kustomizations: readonly KubeObject[];
  /** Labels of namespaces, for `accessFrom`. */
  readonly namespaces: readonly KubeObject[];
}

function find(objects: readonly KubeObject[], namespace: string, name: string): KubeObject | undefined {
  return objects.find((each) => each.metadata.namespace === namespace && each.metadata.name === name);
}

export function intervalOf(object: KubeObject, ...path: string[]): number {
  return durationMs(getString(object, 'spec', ...path)) ?? DEFAULT_INTERVAL;
}

/** The repository that an ImagePolicy orders; throws `invalid-input` where it is not there or not for it. */
export function repositoryOf(policy: KubeObject, objects: FluxObjects): KubeObject {
  const where = `ImagePolicy ${policy.metadata.namespace ?? ''}/${policy.metadata.name}`;
  const own = policy.metadata.namespace ?? '';
  const namespace = getString(policy, 'spec', 'imageRepositoryRef', 'namespace') || own;
  const name = getString(policy, 'spec', 'imageRepositoryRef', 'name') ?? '';
  const found = find(objects.repositories, namespace, name);
  if (found === undefined)
    throw configurationError(
      where,
      `there is no ImageRepository ${namespace}/${name}`,
      'Create it, or mend spec.imageRepositoryRef.',
    );
  if (namespace !== own && !allowsFrom(found, own, objects.namespaces))
    throw configurationError(
      where,
      `the ImageRepository ${namespace}/${name} is not open to ${own}`,
      'Let its spec.accessFrom select this namespace.',
    );
  return found;
}

function allowsFrom(repository: KubeObject, namespace: string, namespaces: readonly KubeObject[]): boolean {
  const labels = namespaces.find(({ metadata }) => metadata.name === namespace)?.metadata.labels ?? {};
  return getArray(repository, 'spec', 'accessFrom', 'namespaceSelectors').some((selector) =>
    fitsSelector({ matchLabels: getObject(selector, 'matchLabels') ?? {} }, labels),
  );
}

function tagPolicy(policy: KubeObject, where: string): TagPolicy {
  const choice = getObject(policy, 'spec', 'policy') ?? {};
  const range = getString(choice, 'semver', 'range');
  if (range !== undefined) return { kind: 'semver', range, strict: true };
  for (const kind of ['alphabetical', 'numerical'] as const) {
    const rules = getObject(choice, kind);
    if (rules === undefined) continue;
    const order = (getString(rules, 'order') || 'asc').toLowerCase();
    if (order === 'asc' || order === 'desc')
      return { kind, order: order === 'asc' ? 'ascending' : 'descending' };
    throw configurationError(where, `'${order}' is no order`, 'Write asc or desc.');
  }
  throw configurationError(where, 'spec.policy names no policy', 'Use semver, alphabetical or numerical.');
}

/** The rule of an ImagePolicy; `folder` is where an automation looks for its setters. */
export function policyRule(policy: KubeObject, objects: FluxObjects, folder: string): ImageRule {
  const { name, namespace = '' } = policy.metadata;
  const where = `ImagePolicy ${namespace}/${name}`;
  const repository = repositoryOf(policy, objects);
  const image = getString(repository, 'spec', 'image') ?? '';
  const secret = getString(repository, 'spec', 'secretRef', 'name');
  const excluded = getArray(repository, 'spec', 'exclusionList').filter(
    (item): item is string => typeof item === 'string',
  );
  const allow = getString(policy, 'spec', 'filterTags', 'pattern');
  const extract = getString(policy, 'spec', 'filterTags', 'extract');
  const filter: TagFilter = {
    ...(allow === undefined ? {} : { allow }),
    ...(extract === undefined ? {} : { extract }),
    ignorePatterns: excluded.length === 0 ? EXCLUDED : excluded,
  };
  const digests = getString(policy, 'spec', 'digestReflectionPolicy');
  return {
    name: `${namespace}/${name}`,
    where,
    image,
    repository: fullName(image),
    policy: tagPolicy(policy, where),
    filter,
    platforms: [],
    ...(secret === undefined
      ? {}
      : { pullSecret: { namespace: repository.metadata.namespace ?? '', name: secret } }),
    force: true,
    target: { kind: 'setters', folder, policy: `${namespace}:${name}` },
    digests: digests === 'Always' || digests === 'IfNotPresent' ? digests : 'Never',
  };
}

/** The policies that an automation writes: those of its namespace that its selector fits. */
function policiesOf(automation: KubeObject, objects: FluxObjects): readonly KubeObject[] {
  const selector = getObject(automation, 'spec', 'policySelector');
  return objects.policies.filter(
    (policy) =>
      policy.metadata.namespace === automation.metadata.namespace &&
      getIn(policy, 'spec', 'suspend') !== true &&
      fitsSelector(selector, policy.metadata.labels ?? {}),
  );
}

/** Every ImageUpdateAutomation as an updater. */
export function readFlux(objects: FluxObjects): {
  readonly updaters: readonly Updater[];
  readonly refused: readonly RefusedRule[];
} {
  const refused: RefusedRule[] = [];
  const updaters = objects.automations.flatMap((automation): readonly Updater[] => {
    const { name, namespace = '' } = automation.metadata;
    const application = { namespace, name };
    try {
      const updater = automationOf(automation, objects);
      const images: ImageRule[] = [];
      for (const policy of policiesOf(automation, objects)) {
        try {
          images.push(policyRule(policy, objects, updater.git.path));
        } catch (thrown) {
          refused.push({ application, name: policy.metadata.name, problem: asLandfallError(thrown) });
        }
      }
      return [{ ...updater, images }];
    } catch (thrown) {
      refused.push({ application, name: 'all images', problem: asLandfallError(thrown) });
      return [];
    }
  });
  return { updaters, refused };
}

function automationOf(automation: KubeObject, objects: FluxObjects): Omit<Updater, 'images'> {
  const { name, namespace = '' } = automation.metadata;
  const where = `ImageUpdateAutomation ${namespace}/${name}`;
  const spec = getObject(automation, 'spec') ?? {};
  const kind = getString(spec, 'sourceRef', 'kind') ?? 'GitRepository';
  const from = getString(spec, 'sourceRef', 'namespace') || namespace;
  const sourceName = getString(spec, 'sourceRef', 'name') ?? '';
  const source = find(objects.gitRepositories, from, sourceName);
  if (kind !== 'GitRepository' || source === undefined)
    throw configurationError(
      where,
      `there is no GitRepository ${from}/${sourceName}`,
      'Create it, or mend spec.sourceRef.',
    );
  const git = getObject(spec, 'git');
  const email = getString(git, 'commit', 'author', 'email');
  if (email === undefined)
    throw configurationError(where, 'spec.git.commit.author.email is missing', 'Say who commits.');
  if (getString(git, 'push', 'refspec') !== undefined)
    throw configurationError(
      where,
      'spec.git.push.refspec names a place that is no branch',
      'Use spec.git.push.branch.',
    );
  if (getObject(git, 'commit', 'signingKey') !== undefined)
    throw configurationError(
      where,
      'spec.git.commit.signingKey asks for signed commits with a key in a Secret, which Landfall does not take from there',
      'Sign with a key file: updates.sign of landfall.yaml.',
    );
  const strategy = getString(spec, 'update', 'strategy') ?? 'Setters';
  if (strategy !== 'Setters')
    throw configurationError(where, `there is no strategy ${strategy}`, 'Use Setters.');
  const template = getString(git, 'commit', 'messageTemplate');
  const revision = refOf(getObject(git, 'checkout', 'ref') ?? getObject(source, 'spec', 'ref'), where);
  const push = getString(git, 'push', 'branch');
  return {
    key: `ImageUpdateAutomation/${namespace}/${name}`,
    origin: 'ImageUpdateAutomation',
    application: { namespace, name },
    covers: [{ namespace, name }, ...kustomizationsOf(source, objects).map(placeOf)],
    git: {
      url: getString(source, 'spec', 'url') ?? '',
      project: '',
      revision,
      path: pathInRepository(getString(spec, 'update', 'path') ?? '.', '.', where),
      ...(push === undefined || push === revision ? {} : { push }),
    },
    commit: {
      author: { name: getString(git, 'commit', 'author', 'name') || 'Flux', email },
      message:
        template === undefined
          ? { language: 'landfall', text: 'Update from image update automation' }
          : {
              language: 'go',
              text: template,
              values: textsOf(getObject(git, 'commit', 'messageTemplateValues')),
            },
    },
    intervalMs: intervalOf(automation, 'interval'),
    perHour: DEFAULT_PER_HOUR,
    suspended: getIn(spec, 'suspend') === true,
  };
}

/** The Kustomizations that apply what a GitRepository holds. */
function kustomizationsOf(source: KubeObject, objects: FluxObjects): readonly KubeObject[] {
  return objects.kustomizations.filter((each) => {
    const reference = getObject(each, 'spec', 'sourceRef');
    return (
      getString(reference, 'kind') === 'GitRepository' &&
      getString(reference, 'name') === source.metadata.name &&
      (getString(reference, 'namespace') || each.metadata.namespace) === source.metadata.namespace
    );
  });
}

function placeOf({ metadata }: KubeObject): { readonly namespace: string; readonly name: string } {
  return { namespace: metadata.namespace ?? '', name: metadata.name };
}

/** Commits go to a branch; Flux' own default is `master`. */
function refOf(reference: JsonObject | undefined, where: string): string {
  const branch = getString(reference, 'branch');
  if (branch !== undefined) return branch;
  const name = getString(reference, 'name');
  if (name?.startsWith('refs/heads/') === true) return name.slice('refs/heads/'.length);
  if (reference !== undefined && Object.keys(reference).length > 0)
    throw configurationError(
      where,
      'it reads a tag or a commit, to which nothing can be added',
      'Name the branch in spec.git.checkout.ref.branch.',
    );
  return 'master';
}

function textsOf(values: JsonObject | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values ?? {}).filter(
      (entry: [string, JsonValue]): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}
