import type { FileTree } from '../../git/index.ts';
import type { SourceType } from './rendered-set.ts';

export const KUSTOMIZATION_FILES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'] as const;

/** What the files of a folder ask to be rendered by, as Argo CD finds it out. */
export async function detectSourceType(tree: FileTree, path: string): Promise<SourceType> {
  const names = new Set((await tree.list(path)) ?? []);
  if (names.has('Chart.yaml')) return 'Helm';
  return KUSTOMIZATION_FILES.some((name) => names.has(name)) ? 'Kustomize' : 'Directory';
}
