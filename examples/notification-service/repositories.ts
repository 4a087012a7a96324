import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runGit } from '../../src/git/index.ts';
import { LandfallError } from '../../src/kernel/index.ts';

export interface Release {
  readonly version: string;
  /** `v2.3.1` */
  readonly tag: string;
  readonly commit: string;
}

export interface SourceRepository {
  readonly folder: string;
  /** `file://…` */
  readonly url: string;
  /** Oldest first. */
  readonly releases: readonly Release[];
}

export interface DeploymentRepository {
  readonly folder: string;
  readonly url: string;
  readonly branch: string;
  readonly commit: string;
  /** Files to apply to the cluster, by Application. */
  readonly applications: Readonly<Record<'comms-notification' | 'comms-platform', string>>;
}

export interface NotificationRepositories {
  /** notification-service in 2.3.1 and 2.5.0. */
  readonly app: SourceRepository;
  /** Its neighbours in 1.0.0. */
  readonly platform: SourceRepository;
  readonly deployment: DeploymentRepository;
}

export interface RepositoryOptions {
  readonly signal?: AbortSignal;
  /**
   * Builds the neighbours' image and answers with its digest, which the deployment repository then pins. Without it
   * they are pinned by tag alone.
   */
  readonly buildPlatform?: (platform: SourceRepository) => Promise<{ readonly digest: string }>;
}

/**
 * Makes the repositories of the example in an empty or new folder: real commits and tags, of now. Throws `conflict`
 * when the folder has something in it.
 */
export async function createNotificationRepositories(
  folder: string,
  options: RepositoryOptions = {},
): Promise<NotificationRepositories> {
  const { signal } = options;
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw new LandfallError(`The example was to be made in ${folder}, which is not empty.`, {
      kind: 'conflict',
      code: 'example-folder',
      object: folder,
      hint: 'Name an empty or a new folder.',
    });
  }
  const templates = templateFolder();
  const app = await createSource(path.join(folder, 'notification-service'), signal, [
    {
      version: '2.3.1',
      from: path.join(templates, 'app', '2.3.1'),
      subject: 'Send e-mail and SMS through their gateways',
      body: 'The shop tells customers about their orders; failures are counted by channel.',
    },
    {
      version: '2.5.0',
      from: path.join(templates, 'app', '2.5.0'),
      subject: 'Send SMS through the v2 provider',
      body: 'The legacy gateway loses a third of the messages. Where the flag sms_provider_v2 is on, the new provider takes them.',
    },
  ]);
  const platform = await createSource(path.join(folder, 'comms-platform'), signal, [
    {
      version: '1.0.0',
      from: path.join(templates, 'platform'),
      subject: 'Stand in for gateways, feature flags and orders',
      body: 'What notification-service needs around it to have something to do.',
    },
  ]);
  const pinned = await options.buildPlatform?.(platform);
  const deployment = await createDeployment(
    folder,
    path.join(templates, 'deployment'),
    app,
    pinned?.digest,
    signal,
  );
  return { app, platform, deployment };
}

interface PlannedRelease {
  readonly version: string;
  /** The files that the release adds or changes. */
  readonly from: string;
  readonly subject: string;
  readonly body: string;
}

async function createSource(
  folder: string,
  signal: AbortSignal | undefined,
  planned: readonly PlannedRelease[],
): Promise<SourceRepository> {
  await initialize(folder, signal);
  const releases: Release[] = [];
  for (const { version, from, subject, body } of planned) {
    await copyTemplate(from, folder);
    const commit = await commitAll(folder, `${subject}\n\n${body}`, signal);
    const tag = `v${version}`;
    await git(folder, ['tag', '--annotate', '--message', `Release ${version}`, tag], signal);
    releases.push({ version, tag, commit });
  }
  return { folder, url: pathToFileURL(folder).href, releases };
}

async function createDeployment(
  parent: string,
  template: string,
  app: SourceRepository,
  platformDigest: string | undefined,
  signal: AbortSignal | undefined,
): Promise<DeploymentRepository> {
  const folder = path.join(parent, 'notification-deployment');
  const url = pathToFileURL(folder).href;
  await initialize(folder, signal);
  await copyTemplate(template, folder, (text) =>
    text.replaceAll('@DEPLOYMENT_REPOSITORY@', url).replaceAll('@APP_REPOSITORY@', app.url),
  );
  if (platformDigest !== undefined) {
    const overlay = path.join(folder, 'k8s', 'platform', 'kustomization.yaml');
    const text = await readFile(overlay, 'utf8');
    await writeFile(overlay, `${text.trimEnd()}\n    digest: ${platformDigest}\n`);
  }
  const commit = await commitAll(
    folder,
    'Deliver notification-service to production\n\nThe overlay asks for latest, as CI pushes it.',
    signal,
  );
  return {
    folder,
    url,
    branch: 'main',
    commit,
    applications: {
      'comms-notification': path.join(folder, 'argocd', 'comms-notification.yaml'),
      'comms-platform': path.join(folder, 'argocd', 'comms-platform.yaml'),
    },
  };
}

/** The templates lie beside this file; where it was bundled into `dist/` or `dist/chunks/`, in `examples/` of the package. */
function templateFolder(): string {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const candidates = [
    here,
    ...['..', '../..'].map((up) => path.join(here, up, 'examples', 'notification-service')),
  ];
  const found = candidates.find((candidate) =>
    existsSync(path.join(candidate, 'deployment', 'landfall.yaml')),
  );
  if (found !== undefined) return found;
  throw new LandfallError(
    `The example's files were looked for in ${candidates.join(' and ')}, and are not there.`,
    {
      kind: 'not-found',
      code: 'example-missing',
      hint: 'Install the package again; the folder examples/ belongs to it.',
    },
  );
}

async function copyTemplate(
  from: string,
  to: string,
  change: (text: string) => string = (text) => text,
): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name);
    // Stored without its dot, because package registries treat the real name in their own way.
    const target = path.join(to, entry.name === 'gitignore' ? '.gitignore' : entry.name);
    if (entry.isDirectory()) {
      await mkdir(target, { recursive: true });
      await copyTemplate(source, target, change);
    } else if (/\.(?:ya?ml|md)$/.test(entry.name)) {
      await writeFile(target, change(await readFile(source, 'utf8')));
    } else {
      await copyFile(source, target);
    }
  }
}

/** The commits of the example are its own people's, whatever this machine's git is set up to sign or to run. */
const IDENTITY = {
  GIT_AUTHOR_NAME: 'Notification Team',
  GIT_AUTHOR_EMAIL: 'notifications@corp.io',
  GIT_COMMITTER_NAME: 'Notification Team',
  GIT_COMMITTER_EMAIL: 'notifications@corp.io',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

async function initialize(folder: string, signal: AbortSignal | undefined): Promise<void> {
  await mkdir(folder, { recursive: true });
  await git(folder, ['init', '--quiet', '--initial-branch=main'], signal);
}

async function commitAll(folder: string, message: string, signal: AbortSignal | undefined): Promise<string> {
  await git(folder, ['add', '--all'], signal);
  await git(folder, ['commit', '--quiet', '--message', message], signal);
  return (await git(folder, ['rev-parse', 'HEAD'], signal)).trim();
}

function git(cwd: string, args: readonly string[], signal: AbortSignal | undefined): Promise<string> {
  return runGit(`Making the example in ${cwd}`, args, { cwd, signal, env: IDENTITY });
}
