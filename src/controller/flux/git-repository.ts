import semver from 'semver';
import { LandfallError, asLandfallError, getArray, getIn, getObject, getString } from '../../kernel/index.ts';
import type { Clock, JsonObject } from '../../kernel/index.ts';
import type { GitMirror, GitMirrors } from '../../git/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { RepositoryCredentials } from '../../boundaries/render/index.ts';
import type { AccessFiles } from '../clusters/index.ts';
import type { EventRecorder } from '../events.ts';
import { secretValue } from '../followed.ts';
import type { Level, Turn } from '../queue.ts';
import { kubeTime } from '../status.ts';
import { conditionOf, handled, intervalOf, requested, withConditions, writeStatus } from './kinds.ts';
import type { Conditions } from './kinds.ts';

export interface GitSourceOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly mirrors: GitMirrors;
  readonly files: AccessFiles;
  readonly events: EventRecorder;
  /** Fetches are shared with everybody who reads the same repository with the same credentials. */
  readonly resolve: (
    mirror: GitMirror,
    revision: string,
    level: Level,
    signal: AbortSignal,
  ) => Promise<string>;
}

/** The repository of a GitRepository, with the credentials of its Secret. */
export async function mirrorOf(
  options: Pick<GitSourceOptions, 'client' | 'mirrors' | 'files'>,
  source: KubeObject,
  signal: AbortSignal,
): Promise<GitMirror> {
  const url = getString(source, 'spec', 'url') ?? '';
  const credentials = await credentialsOf(options.client, source, signal);
  return credentials === undefined
    ? options.mirrors.open(url)
    : options.mirrors.open(url, await options.files.git(credentials));
}

async function credentialsOf(
  client: KubeClient,
  source: KubeObject,
  signal: AbortSignal,
): Promise<RepositoryCredentials | undefined> {
  const name = getString(source, 'spec', 'secretRef', 'name');
  if (name === undefined || name === '') return undefined;
  const { namespace = 'default' } = source.metadata;
  const secret = await client.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, signal);
  if (secret === undefined) {
    throw new LandfallError(`failed to get secret '${namespace}/${name}': secrets "${name}" not found`, {
      kind: 'not-found',
      code: 'secret-missing',
      object: `${namespace}/${name}`,
      hint: 'Create the Secret, or mend spec.secretRef.',
    });
  }
  const text = (...names: readonly string[]) =>
    names.map((field) => secretValue(secret, field)).find((value) => value !== undefined && value !== '');
  const sshKey = text('identity');
  const knownHosts = text('known_hosts');
  if (sshKey !== undefined && knownHosts === undefined) {
    throw new LandfallError(
      `invalid secret '${namespace}/${name}': 'identity' is there, and 'known_hosts' is not`,
      {
        kind: 'invalid-input',
        code: 'secret-fields',
        object: `${namespace}/${name}`,
        hint: 'Add known_hosts (ssh-keyscan HOST).',
      },
    );
  }
  return {
    identity: `flux ${namespace}/${name}`,
    username: text('username'),
    password: text('password'),
    bearer: text('bearerToken'),
    sshKey,
    knownHosts,
    ca: text('ca.crt', 'caFile'),
    cert: text('tls.crt', 'certFile'),
    key: text('tls.key', 'keyFile'),
  };
}

interface Wanted {
  /** For the mirror. */
  readonly revision: string;
  /** In front of `@sha1:` in the revision of the artifact; empty for a bare commit. */
  readonly name: string;
}

/** commit, name, semver, tag, branch: in that order, as Flux takes them; without any, the branch master. */
async function wantedOf(source: KubeObject, mirror: GitMirror, turn: Turn): Promise<Wanted> {
  const ref = getObject(source, 'spec', 'ref');
  const text = (field: string) => getString(ref, field) || undefined;
  const branch = text('branch');
  const commit = text('commit');
  if (commit !== undefined) return { revision: commit, name: branch ?? '' };
  const name = text('name');
  if (name !== undefined) return { revision: name, name };
  const range = text('semver');
  if (range !== undefined) {
    const tags = await turn.outside(async () => {
      await mirror.fetch(turn.signal);
      return mirror.tags(turn.signal);
    });
    const versions = tags.flatMap((tag) => {
      const version = semver.parse(tag) ?? semver.parse(tag.replace(/^v/, ''));
      return version !== null && semver.satisfies(version, range.replaceAll(/\s*,\s*/g, ' '))
        ? [{ tag, version }]
        : [];
    });
    const best = versions.toSorted((a, b) => semver.rcompare(a.version, b.version))[0];
    if (best === undefined) {
      throw new LandfallError(`no match found for semver: ${range}`, {
        kind: 'not-found',
        code: 'git-semver',
        object: range,
        hint: 'Push a tag that it allows, or widen the range.',
      });
    }
    return { revision: `refs/tags/${best.tag}`, name: best.tag };
  }
  const tag = text('tag');
  if (tag !== undefined) return { revision: `refs/tags/${tag}`, name: tag };
  return { revision: `refs/heads/${branch ?? 'master'}`, name: branch ?? 'master' };
}

/** `main@sha1:0123…`, as Flux writes revisions since 0.41. */
export function artifactRevision(name: string, commit: string): string {
  const hashed = `sha${commit.length === 64 ? '256' : '1'}:${commit}`;
  return name === '' ? hashed : `${name}@${hashed}`;
}

/** One look at a repository, and what follows from it for the status. */
export async function reconcileGitRepository(
  options: GitSourceOptions,
  source: KubeObject,
  turn: Turn,
): Promise<{ readonly again?: number } | undefined> {
  const { client, clock, events } = options;
  if (getIn(source, 'spec', 'suspend') === true) return undefined;
  const interval = intervalOf(source, 'interval', 60_000);
  const known = getString(source, 'status', 'artifact', 'revision');
  const status: JsonObject = { ...getObject(source, 'status'), ...handled(source) };
  try {
    const mirror = await mirrorOf(options, source, turn.signal);
    const wanted = await wantedOf(source, mirror, turn);
    const level = requested(source) === undefined && known !== undefined ? turn.level : 'asked';
    const commit = await turn.outside(() =>
      options.resolve(mirror, wanted.revision, level === 'live' ? 'git' : level, turn.signal),
    );
    const revision = artifactRevision(wanted.name, commit);
    const message = `stored artifact for revision '${revision}'`;
    const { name, namespace = 'default' } = source.metadata;
    await writeStatus(
      client,
      source,
      {
        ...status,
        artifact:
          revision === known
            ? (status['artifact'] ?? {})
            : {
                // Nothing is packed: a Kustomization reads the commit itself.
                path: `gitrepository/${namespace}/${name}/${commit}.tar.gz`,
                url: mirror.display,
                revision,
                lastUpdateTime: kubeTime(clock.now()),
              },
        observedGeneration: source.metadata.generation ?? 1,
        conditions: withConditions(
          source,
          {
            Ready: { status: 'True', reason: 'Succeeded', message },
            ArtifactInStorage: { status: 'True', reason: 'Succeeded', message },
            FetchFailed: undefined,
            Reconciling: undefined,
            Stalled: undefined,
          },
          clock.now(),
        ),
      },
      turn.signal,
    );
    if (revision !== known) await events.record(source, 'Normal', 'NewArtifact', message, turn.signal);
    return { again: interval };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
    const reason =
      error.code === 'git-authentication' || error.code.startsWith('secret-')
        ? 'AuthenticationFailed'
        : error.code === 'git-url'
          ? 'URLInvalid'
          : 'GitOperationFailed';
    const message =
      reason === 'GitOperationFailed'
        ? `failed to checkout and determine revision: ${error.message}`
        : error.message;
    const failed = { reason, message };
    const stalled: Conditions =
      reason === 'URLInvalid' ? { Stalled: { status: 'True', ...failed }, Reconciling: undefined } : {};
    const before = getString(conditionOf(source, 'FetchFailed'), 'message');
    await writeStatus(
      client,
      source,
      {
        ...status,
        observedGeneration: source.metadata.generation ?? 1,
        conditions: withConditions(
          source,
          {
            Ready: { status: 'False', ...failed },
            FetchFailed: { status: 'True', ...failed },
            Reconciling: {
              status: 'True',
              reason: 'ProgressingWithRetry',
              message: 'reconciliation in progress',
            },
            ...stalled,
          },
          clock.now(),
        ),
      },
      turn.signal,
    );
    if (before !== message) await events.record(source, 'Warning', reason, message, turn.signal);
    return { again: Math.min(interval, 60_000) };
  }
}

export function usesIncludes(source: KubeObject): boolean {
  return (
    getArray(source, 'spec', 'include').length > 0 || getIn(source, 'spec', 'recurseSubmodules') === true
  );
}
