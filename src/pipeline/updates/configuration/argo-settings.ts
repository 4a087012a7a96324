import type { TagFilter, TagPolicy } from '../../../boundaries/intent/index.ts';
import { LandfallError } from '../../../kernel/index.ts';
import type { Platform } from '../../../oci/index.ts';
import type { WriteTarget } from '../write.ts';
import type { ImageRule, PullSecretReference } from './model.ts';
import { configurationError, fullName, parsePlatform, pathInRepository, splitConstraint } from './names.ts';

/** What Argo CD Image Updater knows of one image, from annotations or its own resource alike. */
export interface ArgoImage {
  readonly alias: string;
  /** `registry/image:constraint` */
  readonly image: string;
  readonly settings: ArgoSettings;
  readonly kustomizeName?: string;
  readonly helm?: { readonly name?: string; readonly tag?: string; readonly spec?: string };
  readonly plugin?: boolean;
}

/** Undefined: not said here, so what is said further out counts. */
export interface ArgoSettings {
  readonly strategy?: string;
  readonly allowTags?: string;
  readonly ignoreTags?: readonly string[];
  readonly platforms?: readonly string[];
  readonly pullSecret?: string;
  readonly force?: boolean;
}

export interface ArgoWriteBack {
  readonly method?: string;
  readonly target?: string;
  readonly branch?: string;
  readonly repository?: string;
  readonly pullRequest?: 'github' | 'gitlab';
}

export function mergeSettings(outer: ArgoSettings, inner: ArgoSettings): ArgoSettings {
  return { ...outer, ...inner };
}

/** Where images are written, and whether that may be done at all. */
export function writeBackTarget(
  writeBack: ArgoWriteBack,
  folder: string,
  where: string,
): (image: ArgoImage) => WriteTarget {
  const { target } = writeBack;
  if (target === undefined) return () => ({ kind: 'auto' });
  const [kind = '', rest] = [target.split(':')[0], /^[^:]*:(.*)$/.exec(target)?.[1]];
  if (kind === 'kustomization') {
    const at = pathInRepository(rest ?? '.', folder, where);
    return () => ({ kind: 'kustomization', folder: at });
  }
  if (kind === 'helmvalues') {
    const file = pathInRepository(rest ?? 'values.yaml', folder, where);
    return ({ helm = {} }) =>
      helm.spec === undefined
        ? { kind: 'helm-values', file, name: helm.name ?? 'image.name', tag: helm.tag ?? 'image.tag' }
        : { kind: 'helm-values', file, spec: helm.spec };
  }
  throw configurationError(
    where,
    `'${target}' is no write-back target`,
    'Use kustomization, kustomization:FOLDER or helmvalues:FILE.',
  );
}

/** Git is the only way in which Landfall changes what runs: design rule 5. */
export function refuseOtherMethods({ method }: ArgoWriteBack, where: string): void {
  const name = (method ?? 'argocd').split(':')[0]?.trim();
  if (name === 'git') return;
  throw new LandfallError(
    `${where}: ${method === undefined ? 'no write-back method is named, which means argocd' : `the write-back method is ${method}`}; it would change the live Application, and Landfall changes only Git.`,
    {
      kind: 'invalid-input',
      code: 'write-back-method',
      object: where,
      hint: 'Set write-back-method: git; then every update is a commit that can be reviewed and reverted.',
    },
  );
}

/** `base:push`, with either left out. */
export function branchesOf(
  branch: string | undefined,
  where: string,
): { readonly base?: string; readonly push?: string } {
  const text = branch?.trim() ?? '';
  if (text === '') return {};
  // A template may hold colons of its own; a branch cannot.
  const cut = text.indexOf(':');
  if (
    cut >= 0 &&
    text
      .slice(cut + 1)
      .replaceAll(/\{\{.*?\}\}/g, '')
      .includes(':')
  )
    throw configurationError(where, `'${text}' names more than two branches`, 'Write it as base:push.');
  const base = cut < 0 ? text : text.slice(0, cut);
  const push = cut < 0 ? '' : text.slice(cut + 1);
  return { ...(base === '' ? {} : { base }), ...(push === '' ? {} : { push }) };
}

/** One image as a rule. Throws `invalid-input` naming the setting that cannot be acted on. */
export function ruleOf(
  image: ArgoImage,
  target: (image: ArgoImage) => WriteTarget,
  where: string,
): ImageRule {
  const { settings, kustomizeName } = image;
  const { name, constraint } = splitConstraint(image.image);
  const repository = fullName(name);
  if (image.plugin === true)
    throw configurationError(
      where,
      'it is written into the environment of a plugin',
      'Landfall renders no plugins; use a kustomization or Helm values.',
    );
  return {
    name: image.alias === '' ? name : image.alias,
    where,
    image: kustomizeName === undefined ? name : splitConstraint(kustomizeName).name,
    repository,
    policy: policyOf(settings.strategy, constraint, where),
    filter: filterOf(settings, where),
    platforms: (settings.platforms ?? []).map((text): Platform => parsePlatform(text, where)),
    ...(settings.pullSecret === undefined ? {} : { pullSecret: pullSecretOf(settings.pullSecret, where) }),
    force: settings.force ?? false,
    target: target(image),
    ...(image.helm === undefined ? {} : { parameters: image.helm }),
  };
}

/** The strategies with their old names; anything else is semver, as in the original. */
function policyOf(strategy: string | undefined, constraint: string, where: string): TagPolicy {
  switch ((strategy ?? 'semver').trim().toLowerCase()) {
    case 'latest':
    case 'newest-build':
      return { kind: 'newest-build' };
    case 'name':
    case 'alphabetical':
      return { kind: 'alphabetical', order: 'ascending' };
    case 'digest':
      if (constraint !== '') return { kind: 'digest', tag: constraint };
      throw configurationError(
        where,
        'the strategy digest follows a tag, and the image names none',
        'Name it with the image: registry/app:latest.',
      );
    default:
      return { kind: 'semver', range: constraint, strict: false };
  }
}

function filterOf({ allowTags, ignoreTags }: ArgoSettings, where: string): TagFilter {
  const ignoreGlobs = (ignoreTags ?? []).filter((glob) => glob !== '');
  const ignore = ignoreGlobs.length === 0 ? {} : { ignoreGlobs };
  const text = allowTags?.trim() ?? '';
  if (text === '' || text.toLowerCase() === 'any') return ignore;
  const allow = /^regexp:(.*)$/is.exec(text)?.[1];
  if (allow !== undefined) return { ...ignore, allow };
  // Misread, it would let every tag through or none.
  throw configurationError(where, `'${text}' is no function of tags`, 'Use regexp:EXPRESSION or any.');
}

/** `pullsecret:namespace/name` or `secret:namespace/name#field`; programs and variables are not run or read. */
function pullSecretOf(text: string, where: string): PullSecretReference {
  const found = /^(pullsecret|secret):([^/#]+)\/([^/#]+)(?:#(.+))?$/.exec(text);
  if (found === null)
    throw configurationError(
      where,
      `the pull secret '${text.split(':')[0] ?? ''}:…' is of a kind that is not read`,
      'Use pullsecret:NAMESPACE/NAME or secret:NAMESPACE/NAME#FIELD.',
    );
  const [, kind, namespace = '', name = '', field] = found;
  if (kind === 'secret' && field === undefined)
    throw configurationError(where, `'${text}' names no field`, 'Write it as secret:NAMESPACE/NAME#FIELD.');
  return { namespace, name, ...(kind === 'secret' && field !== undefined ? { field } : {}) };
}
