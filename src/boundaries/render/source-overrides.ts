import { LandfallError, getObject, isJsonObject, parseYaml } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import { applicationSource } from '../sync/index.ts';
import type { ApplicationSource } from '../sync/index.ts';

/** What sources of fields name where an option of `spec.source.kustomize`, or an override of one, set them. */
export const KUSTOMIZE_OPTIONS = 'spec.source.kustomize';

/** The files of parameter overrides of an application beside its manifests; what the last says wins. */
export function sourceOverrideFiles(folder: string, application: string | undefined): readonly string[] {
  const names = [
    '.argocd-source.yaml',
    ...(application === undefined ? [] : [`.argocd-source-${application}.yaml`]),
  ];
  return names.map((name) => (folder === '' ? name : `${folder}/${name}`));
}

/**
 * The source with the parameter overrides that stand beside the manifests: `.argocd-source.yaml`, then
 * `.argocd-source-NAME.yaml`, each a merge patch. They never change which repository, path, chart or revision is
 * meant. Source: Argo CD docs/user-guide/parameters.md.
 */
export async function withSourceOverrides(
  tree: FileTree,
  folder: string,
  source: ApplicationSource,
  application: string | undefined,
): Promise<ApplicationSource> {
  let merged: JsonObject = source.raw;
  for (const file of sourceOverrideFiles(folder, application)) {
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
