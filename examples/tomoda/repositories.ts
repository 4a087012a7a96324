import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { getArray, getString, parseYaml } from '../../src/kernel/index.ts';
import { copyTemplate, gitAs, openEmptyFolder, templateFolder } from '../template.ts';
import type { Person } from '../template.ts';

export const REGISTRY = 'europe-docker.pkg.dev';
export const DEV_IMAGE = `${REGISTRY}/development-485000/tomoda-dev-repo/tomoda`;
export const PROD_IMAGE = `${REGISTRY}/development-485000/tomoda-prod-repo/tomoda`;
export const API_HOST = 'api.tomoda.life';
export const DEV_API_HOST = 'api.dev.tomoda.life';

/** Somebody of the team: as commits name them, and as the cluster does. */
export interface Colleague extends Person {
  readonly groups: readonly string[];
}

/** Writes the code, and commits to both repositories. */
export const DEVELOPER: Colleague = {
  name: 'Yuki Sato',
  email: 'yuki@tomoda.life',
  groups: ['developers', 'release'],
};
/** Approves builds of main, which people may not do with what they wrote themselves. */
export const APPROVER: Colleague = {
  name: 'Mika Tanaka',
  email: 'mika@tomoda.life',
  groups: ['developers', 'release'],
};

export type TomodaApplication = 'tomoda' | 'prod-tomoda';

/** A bare repository that stands in for the one of the hosting service, and a person's clone of it. */
export interface ClonedRepository {
  /** `file://…/origin/NAME.git` */
  readonly url: string;
  readonly origin: string;
  readonly clone: string;
}

export interface PinnedImage {
  readonly tag: string;
  readonly digest: string;
}

export interface TomodaRepositories {
  readonly app: ClonedRepository;
  readonly devops: ClonedRepository;
  /** Where the overlay of each is, inside devops. */
  readonly overlays: Readonly<Record<TomodaApplication, string>>;
  /** Files to apply to the cluster, by Application. */
  readonly applications: Readonly<Record<TomodaApplication, string>>;
  /** What main of the app is at, and `v1.0.0`. */
  readonly firstCommit: string;
  /** What the overlay of an application asks for on main of devops, and the last commit that changed it. */
  readonly readPin: (application: TomodaApplication) => Promise<PinnedImage & { readonly commit: string }>;
  /** Writes version 1.1.0 into the clone and commits it; nothing is pushed. */
  readonly commitNextVersion: () => Promise<string>;
  /** Edits one file of a clone, commits, and pushes, on top of what others have pushed. */
  readonly edit: (
    repository: ClonedRepository,
    file: string,
    change: (text: string) => string,
    message: string,
  ) => Promise<string>;
  /** Runs git in a clone, as the developer. */
  readonly git: (repository: ClonedRepository, ...args: readonly string[]) => Promise<string>;
}

export interface TomodaOptions {
  readonly signal?: AbortSignal;
  /**
   * Builds 1.0.0 from the clone, which is clean and at `v1.0.0`, for both registries: what runs when the story begins.
   * `source` is the URL of the repository that it is a clone of.
   */
  readonly buildFirst: (
    clone: string,
    source: string,
    commit: string,
  ) => Promise<{ readonly dev: PinnedImage; readonly prod: PinnedImage }>;
}

const OVERLAYS = {
  tomoda: 'k8s/apps/tomoda/overlays/dev',
  'prod-tomoda': 'k8s/apps/tomoda/overlays/prod',
} as const;

/**
 * Makes the repositories of the example in an empty or new folder: tomoda at 1.0.0, and devops, which runs it in dev
 * and prod. Real commits and tags, of now.
 */
export async function createTomodaRepositories(
  folder: string,
  options: TomodaOptions,
): Promise<TomodaRepositories> {
  const git = gitAs(DEVELOPER, options.signal);
  const templates = templateFolder('tomoda');
  await openEmptyFolder(folder);

  async function create(name: string): Promise<ClonedRepository> {
    const origin = path.join(folder, 'origin', `${name}.git`);
    const clone = path.join(folder, name);
    await mkdir(origin, { recursive: true });
    await git(origin, 'init', '--quiet', '--bare', '--initial-branch=main');
    await git(folder, 'clone', '--quiet', '--', origin, clone);
    await git(clone, 'checkout', '--quiet', '-B', 'main');
    for (const [key, value] of [
      ['user.name', DEVELOPER.name],
      ['user.email', DEVELOPER.email],
      ['commit.gpgSign', 'false'],
      ['tag.gpgSign', 'false'],
    ] as const) {
      await git(clone, 'config', key, value);
    }
    return { url: pathToFileURL(origin).href, origin, clone };
  }

  async function commit(clone: string, message: string): Promise<string> {
    await git(clone, 'add', '--all');
    await git(clone, 'commit', '--quiet', '--message', message);
    return (await git(clone, 'rev-parse', 'HEAD')).trim();
  }

  const app = await create('tomoda');
  await copyTemplate(path.join(templates, 'app', '1.0.0'), app.clone);
  const firstCommit = await commit(
    app.clone,
    'Greet, and deliver messages\n\nOne image: the api answers, async delivers what the api took.',
  );
  await git(app.clone, 'tag', '--annotate', '--message', 'Release 1.0.0', 'v1.0.0');
  await git(app.clone, 'push', '--quiet', 'origin', 'main', 'v1.0.0');

  const { dev, prod } = await options.buildFirst(app.clone, app.url, firstCommit);
  const devops = await create('devops');
  const values: Readonly<Record<string, string>> = {
    APP_REPOSITORY: app.url,
    DEVOPS_REPOSITORY: devops.url,
    DEV_TAG: dev.tag,
    DEV_DIGEST: dev.digest,
    PROD_TAG: prod.tag,
    PROD_DIGEST: prod.digest,
  };
  await copyTemplate(path.join(templates, 'devops'), devops.clone, (text) =>
    text.replaceAll(/@([A-Z_]+)@/g, (placeholder, key: string) => values[key] ?? placeholder),
  );
  await commit(devops.clone, 'Run tomoda 1.0.0 in dev and prod');
  await git(devops.clone, 'push', '--quiet', 'origin', 'main');

  return {
    app,
    devops,
    overlays: OVERLAYS,
    applications: {
      tomoda: path.join(devops.clone, 'argocd', 'tomoda.yaml'),
      'prod-tomoda': path.join(devops.clone, 'argocd', 'prod-tomoda.yaml'),
    },
    firstCommit,
    async readPin(application) {
      const file = `${OVERLAYS[application]}/kustomization.yaml`;
      const text = await git(devops.origin, 'show', `main:${file}`);
      const [image] = getArray(parseYaml(text, file)[0], 'images');
      return {
        tag: getString(image, 'newTag') ?? '',
        digest: getString(image, 'digest') ?? '',
        commit: (await git(devops.origin, 'log', '-1', '--format=%H', 'main', '--', file)).trim(),
      };
    },
    async commitNextVersion() {
      await copyTemplate(path.join(templates, 'app', '1.1.0'), app.clone);
      return commit(
        app.clone,
        'Greet friends in their language\n\nThe first language of Accept-Language that is known.',
      );
    },
    async edit({ clone }, file, change, message) {
      await git(clone, 'pull', '--quiet', '--rebase', 'origin', 'main');
      const target = path.join(clone, file);
      await writeFile(target, change(await readFile(target, 'utf8')));
      const made = await commit(clone, message);
      await git(clone, 'push', '--quiet', 'origin', 'main');
      return made;
    },
    git: (repository, ...args) => git(repository.clone, ...args),
  };
}
