import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { copyTemplate, gitAs, openEmptyFolder, templateFolder } from '../template.ts';

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
  await openEmptyFolder(folder);
  const templates = templateFolder('notification-service');
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

const TEAM = { name: 'Notification Team', email: 'notifications@corp.io' };

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
  return gitAs(TEAM, signal)(cwd, ...args);
}
