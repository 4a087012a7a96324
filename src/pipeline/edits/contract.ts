import type { OverrideOwner, RenderedSet } from '../../boundaries/index.ts';
import type { FileTexts, FileTree } from '../../git/index.ts';

/** One image that has to become another. Tag and digest are always written together. */
export interface ImageChange {
  /** As manifests name it, without tag and digest: the name they are written with, or the one they render to. */
  readonly image: string;
  /** Another repository to take it from. Left out: the one it has. */
  readonly newName?: string;
  /** Undefined: the tag stays what it is, and only the digest is pinned. */
  readonly tag: string | undefined;
  /** `sha256:…`, as the registry gave it when it was checked. */
  readonly digest: string;
  /** What a chart calls the parts of it, where somebody says so. Others are found by what is rendered. */
  readonly parameters?: ImageParameters;
}

/** Names of Helm parameters as `helm.image-name`, `-tag` and `-spec` of Argo CD Image Updater give them. */
export interface ImageParameters {
  readonly name?: string;
  readonly tag?: string;
  /** Of the whole reference. */
  readonly spec?: string;
}

/** Where the change is written. All paths start at the root of the tree. */
export type WriteTarget =
  /**
   * Where the rendered image comes from: an override of Argo CD's in Git, patch, manifest, `images:` entry; a base is
   * overridden, never changed.
   */
  | { readonly kind: 'auto' }
  /** The `images:` list of the kustomization in this folder. */
  | { readonly kind: 'kustomization'; readonly folder: string }
  /**
   * Paths of values as `helm.image-name`, `-tag` and `-spec` of Argo CD Image Updater name them: `image.tag`,
   * `images[0].tag`, `"app.kubernetes.io/image".tag`. With `digest` the digest has a value of its own; without, it
   * stands behind the tag where the chart renders that.
   */
  | {
      readonly kind: 'helm-values';
      readonly file: string;
      readonly name?: string;
      readonly tag?: string;
      readonly digest?: string;
      readonly spec?: string;
    }
  /** Flux' markers `# {"$imagepolicy": "namespace:name[:tag|:name|:digest]"}` of one policy, below this folder. */
  | { readonly kind: 'setters'; readonly folder: string; readonly policy: string };

export interface ImageEditRequest {
  readonly tree: FileTree;
  /** The folder that is rendered: the environment. What lies outside of it belongs to others, too. */
  readonly folder: string;
  /** The Argo CD Application that is rendered: whose file of parameter overrides is meant. Left out: the one for all. */
  readonly application?: OverrideOwner;
  readonly changes: readonly ImageChange[];
  readonly target: WriteTarget;
  /** Renders the environment from a tree. */
  readonly render: (tree: FileTree) => Promise<RenderedSet>;
  readonly signal: AbortSignal;
}

export interface ImageEdit {
  readonly file: string;
  /** 1-based, in the new text. */
  readonly line: number;
  /** As the request names it. */
  readonly image: string;
  /** The reference, tag or digest that stood there; empty where nothing did. */
  readonly from: string;
  readonly to: string;
}

export interface ImageEdits {
  /** The whole texts of the files that change; none where everything is as wanted already. */
  readonly files: FileTexts;
  readonly edits: readonly ImageEdit[];
  /** What the reader of the commit should know: a digest that the chart has no place for. */
  readonly warnings: readonly string[];
}
