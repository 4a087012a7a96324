import type { TagPolicy } from '../../../boundaries/intent/index.ts';
import { durationMs } from '../../../boundaries/sync/index.ts';
import { asLandfallError } from '../../../kernel/index.ts';
import type { ImageUpdateDeclaration, LandfallYaml } from '../../landfall-yaml/index.ts';
import type { WriteTarget } from '../write.ts';
import {
  DEFAULT_AUTHOR,
  DEFAULT_INTERVAL,
  DEFAULT_PER_HOUR,
  type Configuration,
  type GitPlace,
  type ImageRule,
  type RefusedRule,
  type Updater,
} from './model.ts';
import { configurationError, fullName, parsePlatform } from './names.ts';

/** An application that a landfall.yaml may speak of. */
export interface DeclaredFor {
  readonly namespace: string;
  readonly name: string;
  readonly git: Pick<GitPlace, 'url' | 'project' | 'revision' | 'path'>;
}

/** The `updates:` of landfall.yaml for an application; nothing where it has none. */
export function readLandfall(file: LandfallYaml, application: DeclaredFor): Configuration {
  const { namespace, name, git } = application;
  const declared = Object.hasOwn(file.applications ?? {}, name) ? file.applications?.[name] : undefined;
  if (declared?.updates === undefined) return { updaters: [], refused: [] };
  const refused: RefusedRule[] = [];
  const images: ImageRule[] = [];
  for (const update of declared.updates) {
    try {
      images.push(ruleOf(update, declared.source?.repository, namespace, name));
    } catch (thrown) {
      refused.push({
        application: { namespace, name },
        name: update.image,
        problem: asLandfallError(thrown),
      });
    }
  }
  const { pullRequest } = file.updates ?? {};
  const updater: Updater = {
    key: `Application/${namespace}/${name}`,
    origin: 'landfall.yaml',
    application: { namespace, name },
    git: {
      ...git,
      ...(pullRequest === undefined
        ? {}
        : {
            push: (pullRequest.branch ?? 'landfall/updates/{application}').replaceAll('{application}', name),
            pullRequest: {
              forge: pullRequest.forge ?? 'auto',
              ...(file.forges === undefined ? {} : { declared: file.forges }),
              ...(pullRequest.token === undefined ? {} : { token: pullRequest.token }),
            },
          }),
    },
    images,
    commit: { author: DEFAULT_AUTHOR, message: undefined },
    intervalMs: DEFAULT_INTERVAL,
    perHour: DEFAULT_PER_HOUR,
    suspended: false,
  };
  return { updaters: images.length === 0 ? [] : [withDeclaredStyle(updater, file)], refused };
}

/** How an updater commits, and how often, where landfall.yaml of its repository says so. */
export function withDeclaredStyle(updater: Updater, file: LandfallYaml): Updater {
  const { author, message, interval, perHour, sign = updater.commit.sign } = file.updates ?? {};
  return {
    ...updater,
    commit: {
      author: author ?? updater.commit.author,
      message: message === undefined ? updater.commit.message : { language: 'landfall', text: message },
      ...(sign === undefined ? {} : { sign }),
    },
    intervalMs: durationMs(interval) ?? updater.intervalMs,
    perHour: perHour ?? updater.perHour,
  };
}

function ruleOf(
  update: ImageUpdateDeclaration,
  source: string | undefined,
  namespace: string,
  application: string,
): ImageRule {
  const where = `landfall.yaml, updates of ${application}, ${update.image}`;
  const policy = policyOf(update.policy);
  if (policy.kind === 'commits' && source === undefined)
    throw configurationError(
      where,
      'the policy by commits needs the repository that the image is built from',
      `Set applications.${application}.source.repository.`,
    );
  return {
    name: update.as ?? update.image,
    where,
    image: update.as ?? update.image,
    repository: fullName(update.image),
    policy,
    filter: {
      ...(update.allow === undefined ? {} : { allow: update.allow }),
      ...extractOf(update, policy),
      ...(update.ignore === undefined ? {} : { ignoreGlobs: update.ignore }),
    },
    platforms: (update.platforms ?? []).map((text) => parsePlatform(text, where)),
    ...(update.pullSecret === undefined ? {} : { pullSecret: { namespace, name: update.pullSecret } }),
    force: false,
    target: targetOf(update.target),
    ...(source === undefined ? {} : { source }),
  };
}

/** A group named `commit` says itself what is compared by commits. */
function extractOf(
  { allow, extract }: ImageUpdateDeclaration,
  policy: TagPolicy,
): { readonly extract?: string } {
  if (extract !== undefined) return { extract };
  const named = policy.kind === 'commits' && /\(\?P?<commit>/.test(allow ?? '');
  return named ? { extract: '${commit}' } : {};
}

function policyOf(policy: ImageUpdateDeclaration['policy']): TagPolicy {
  if ('commits' in policy) return { kind: 'commits', branch: policy.commits };
  if ('semver' in policy) return { kind: 'semver', range: policy.semver, strict: false };
  if ('numerical' in policy) return { kind: 'numerical', order: policy.numerical };
  if ('alphabetical' in policy) return { kind: 'alphabetical', order: policy.alphabetical };
  if ('digest' in policy) return { kind: 'digest', tag: policy.digest };
  return { kind: 'newest-build' };
}

function targetOf(target: ImageUpdateDeclaration['target']): WriteTarget {
  if (target === undefined) return { kind: 'auto' };
  if ('kustomization' in target) return { kind: 'kustomization', folder: target.kustomization };
  const { values, ...paths } = target;
  return { kind: 'helm-values', file: values, ...paths };
}
