import { LandfallError, getObject, isJsonObject, parseYaml } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import { applicationSource } from '../sync/index.ts';
import type { ApplicationSource } from '../sync/index.ts';

/** What sources of fields name where an option of `spec.source.kustomize`, or an override of one, set them. */
export const KUSTOMIZE_OPTIONS = 'spec.source.kustomize';

/** Whose file of overrides is meant. */
export interface OverrideOwner {
  readonly name: string;
  /** The namespace that the Application lies in, where it is known. */
  readonly namespace?: string;
  /** What Argo CD calls it, where it is known which namespace is Argo CD's own. */
  readonly instance?: string;
}

/**
 * The files of parameter overrides of an application beside its manifests; what the last says wins. Outside of its own
 * namespace Argo CD calls an application `NAMESPACE_NAME` (docs/operator-manual/app-any-namespace.md), and so does its
 * Image Updater. Where nobody says which namespace is its own, a file of that name counts where it is: it is of no
 * other application.
 */
export async function sourceOverrideFiles(
  folder: string,
  owner: OverrideOwner | undefined,
  has: (file: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const at = (name: string) => (folder === '' ? name : `${folder}/${name}`);
  const all = at('.argocd-source.yaml');
  if (owner === undefined) return [all];
  const { name, namespace = '', instance } = owner;
  if (instance !== undefined) return [all, at(`.argocd-source-${instance}.yaml`)];
  const elsewhere = at(`.argocd-source-${namespace}_${name}.yaml`);
  return [all, namespace !== '' && (await has(elsewhere)) ? elsewhere : at(`.argocd-source-${name}.yaml`)];
}

/**
 * The source with the parameter overrides that stand beside the manifests: `.argocd-source.yaml`, then
 * `.argocd-source-NAME.yaml` or `.argocd-source-NAMESPACE_NAME.yaml`, each a merge patch. They never change which repository, path, chart or revision is
 * meant. Source: Argo CD docs/user-guide/parameters.md.
 */
export async function withSourceOverrides(
  tree: FileTree,
  folder: string,
  source: ApplicationSource,
  owner: OverrideOwner | undefined,
): Promise<ApplicationSource> {
  let merged: JsonObject = source.raw;
  const has = async (file: string) => (await tree.kind(file)) === 'file';
  for (const file of await sourceOverrideFiles(folder, owner, has)) {
    const bytes = await tree.readFile(file);
    if (bytes === undefined) continue;
    const [patch] = parseYaml(Buffer.from(bytes).toString('utf8'), file);
    if (patch === null || patch === undefined) continue;
    if (!isJsonObject(patch)) {
      throw new LandfallError(`${file} holds no map of parameters.`, {
        kind: 'invalid-input',
        code: 'source-overrides',
        object: file,
        hint: 'Write kustomize:, helm: or directory: with the parameters below it.',
      });
    }
    merged = mergeInto(merged, spelled(patch));
  }
  if (merged === source.raw) return source;
  const kept: JsonObject = {};
  for (const field of ['repoURL', 'path', 'chart', 'targetRevision']) {
    const value = source.raw[field];
    if (value !== undefined) kept[field] = value;
  }
  const { repoURL: _, path: __, chart: ___, targetRevision: ____, ...options } = merged;
  return applicationSource({ ...options, ...kept });
}

/**
 * Parameters with `forceString` as it is called: Argo CD's reader of JSON does not mind upper and lower case, and its
 * Image Updater writes `forcestring`.
 */
function spelled(patch: JsonObject): JsonObject {
  const helm = getObject(patch, 'helm');
  if (helm === undefined || !Array.isArray(helm['parameters'])) return patch;
  const parameters = helm['parameters'].map((parameter) =>
    isJsonObject(parameter)
      ? Object.fromEntries(
          Object.entries(parameter).map(([key, value]) => [
            key.toLowerCase() === 'forcestring' ? 'forceString' : key,
            value,
          ]),
        )
      : parameter,
  );
  return { ...patch, helm: { ...helm, parameters } };
}

/** RFC 7386. */
function mergeInto(target: JsonObject, patch: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      delete result[key];
      continue;
    }
    const had = result[key];
    result[key] = isJsonObject(value) ? mergeInto(isJsonObject(had) ? had : {}, value) : value;
  }
  return result;
}
