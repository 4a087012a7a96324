/** Trees in memory and the real renderer, for the tests of this folder. */
import { applicationSource, renderApplication } from '../../boundaries/index.ts';
import { treeWith } from '../../git/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { ImageChange, ImageEditRequest, ImageEdits, WriteTarget } from './contract.ts';
import { editImages } from './edit-images.ts';

export const NEW = `sha256:${'0123abcd'.repeat(8)}`;
export const OLD = `sha256:${'f'.repeat(64)}`;

const nothing: FileTree = {
  readFile: () => Promise.resolve(undefined),
  kind: (path) => Promise.resolve(path === '' ? 'directory' : undefined),
  list: (path) => Promise.resolve(path === '' ? [] : undefined),
  identity: () => Promise.resolve(undefined),
  resolve: (path) => Promise.resolve(path === '' ? path : undefined),
};

export type Files = Readonly<Record<string, string>>;

export function treeOf(files: Files): FileTree {
  return treeWith(nothing, files);
}

export interface Edit {
  readonly files: Files;
  readonly folder: string;
  readonly changes: readonly ImageChange[];
  readonly target?: WriteTarget;
  readonly render?: ImageEditRequest['render'];
  /** An Argo CD Application: what overrides it in Git counts. */
  readonly application?: string;
}

export function edit({ files, folder, changes, target, render, application }: Edit): Promise<ImageEdits> {
  return editImages({
    tree: treeOf(files),
    folder,
    ...(application === undefined ? {} : { application: { name: application } }),
    changes,
    target: target ?? { kind: 'auto' },
    render: render ?? renderer(folder, application),
    signal: new AbortController().signal,
  });
}

/** Renders a folder as Argo CD does for an Application, or as a folder of nobody's. */
export function renderer(folder: string, application?: string): ImageEditRequest['render'] {
  if (application === undefined) return (tree) => renderApplication(tree, folder);
  const source = applicationSource({ repoURL: 'https://git.corp.io/deploy', path: folder });
  const whose = { name: application, namespace: 'shop', project: 'default', revision: 'f'.repeat(40) };
  return (tree) => renderApplication(tree, folder, { source, application: whose });
}

/** A Deployment with one container for each image. */
export function deployment(name: string, ...images: readonly string[]): string {
  return [
    'apiVersion: apps/v1',
    'kind: Deployment',
    `metadata: {name: ${name}}`,
    'spec:',
    '  template:',
    '    spec:',
    '      containers:',
    ...images.flatMap((image, index) => [`      - name: c${index}`, `        image: ${image}`]),
    '',
  ].join('\n');
}
