import { createHash } from 'node:crypto';
import {
  LandfallError,
  getArray,
  getObject,
  getString,
  isJsonObject,
  jsonEqual,
} from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { gitArtifact } from '../../boundaries/render/index.ts';
import { mirrorOf, submoduleMirror } from './git-access.ts';
import type { GitAccessOptions } from './git-access.ts';
import { GIT_REPOSITORY } from './kinds.ts';

/** What the artifact of a source would hold at that commit, read as the controller may. */
export function artifactOf(
  options: GitAccessOptions,
  source: KubeObject,
  commit: string,
  signal: AbortSignal,
): Promise<FileTree> {
  const places = {
    mirror: (of: KubeObject) => mirrorOf(options, of, signal),
    submodule: (of: KubeObject, url: string) => submoduleMirror(options, of, url, signal),
    included: (of: KubeObject, name: string) => includedSource(options, of, name, signal),
  };
  return gitArtifact(places, source, commit, signal);
}

function includedSource(options: GitAccessOptions, source: KubeObject, name: string, signal: AbortSignal) {
  const { namespace = 'default' } = source.metadata;
  return options.client.get({ ...GIT_REPOSITORY, namespace, name }, signal);
}

/** The artifacts that `spec.include` names now, in its order. Throws what the status then says. */
export async function includedArtifacts(
  options: GitAccessOptions,
  source: KubeObject,
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = [];
  for (const include of getArray(source, 'spec', 'include')) {
    const name = getString(include, 'repository', 'name') ?? '';
    const other = await includedSource(options, source, name, signal);
    if (other === undefined) {
      throw unavailable(
        'include-missing',
        `could not get resource for include '${name}': gitrepositories.source.toolkit.fluxcd.io "${name}" not found`,
      );
    }
    const artifact = getObject(other, 'status', 'artifact');
    if (artifact === undefined)
      throw unavailable('include-not-there', `no artifact available for include '${name}'`);
    found.push(artifact);
  }
  return found;
}

function unavailable(code: string, message: string): LandfallError {
  return new LandfallError(message, { kind: 'invalid-input', code });
}

/** Of everything that the content depends on: another digest is another content. */
export function contentDigest(source: KubeObject, commit: string, included: readonly JsonObject[]): string {
  const spec = getObject(source, 'spec') ?? {};
  const parts: JsonValue = [
    getString(spec, 'url') ?? '',
    commit,
    spec['ignore'] ?? null,
    spec['include'] ?? null,
    spec['sparseCheckout'] ?? null,
    spec['recurseSubmodules'] ?? false,
    included.map((artifact) => artifact['digest'] ?? artifact['revision'] ?? null),
  ];
  return `sha256:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}

/** What Flux writes down of what an artifact was made with. */
export function observed(source: KubeObject, included: readonly JsonObject[]): JsonObject {
  const spec = getObject(source, 'spec') ?? {};
  const list = (name: string) => {
    const value = spec[name];
    return Array.isArray(value) && value.length > 0 ? value : undefined;
  };
  const fields: Record<string, JsonValue | undefined> = {
    observedIgnore: spec['ignore'],
    observedInclude: list('include'),
    observedSparseCheckout: list('sparseCheckout'),
    observedRecurseSubmodules: spec['recurseSubmodules'] === true ? true : undefined,
    includedArtifacts: included.length === 0 ? undefined : [...included],
  };
  return Object.fromEntries(Object.entries(fields)) as JsonObject;
}

/** Whether one of the two includes the other. */
export function includes(source: KubeObject, other: KubeObject): boolean {
  return (
    source.kind === 'GitRepository' &&
    jsonEqual(source.metadata.namespace ?? 'default', other.metadata.namespace ?? 'default') &&
    getArray(source, 'spec', 'include').some(
      (item) => isJsonObject(item) && getString(item, 'repository', 'name') === other.metadata.name,
    )
  );
}
