import type { ImageEditRequest, ImageEdits } from '../edits/index.ts';

export type { ImageChange, ImageEdit, ImageEdits, ImageParameters, WriteTarget } from '../edits/index.ts';

/** Writes changes into the files of a tree, all of them or none, and proves that nothing else changed. */
export type EditImages = (request: ImageEditRequest) => Promise<ImageEdits>;
