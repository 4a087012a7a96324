import type { RenderedSet } from '../../boundaries/index.ts';
import type { FileTexts, FileTree } from '../../git/index.ts';

/** One image that has to become another. Tag and digest are always written together. */
export interface ImageChange {
  /** As manifests name it, without tag and digest. */
  readonly image: string;
  /** Another repository to take it from. */
  readonly newName?: string;
  readonly tag: string | undefined;
  readonly digest: string;
}

/** Where an image is written. */
export type WriteTarget =
  /** Where the rendered image comes from. */
  | { readonly kind: 'auto' }
  | { readonly kind: 'kustomization'; readonly folder: string }
  | {
      readonly kind: 'helm-values';
      readonly file: string;
      readonly name?: string;
      readonly tag?: string;
      readonly digest?: string;
      readonly spec?: string;
    }
  | { readonly kind: 'setters'; readonly folder: string; readonly policy: string };

export interface ImageEdit {
  readonly file: string;
  readonly line: number;
  readonly image: string;
  readonly from: string;
  readonly to: string;
}

export interface ImageEdits {
  readonly files: FileTexts;
  readonly edits: readonly ImageEdit[];
  readonly warnings: readonly string[];
}

/** Writes changes into the files of a tree, all of them or none, and proves that nothing else changed. */
export type EditImages = (request: {
  readonly tree: FileTree;
  readonly folder: string;
  readonly changes: readonly ImageChange[];
  readonly target: WriteTarget;
  readonly render: (tree: FileTree) => Promise<RenderedSet>;
  readonly signal: AbortSignal;
}) => Promise<ImageEdits>;
