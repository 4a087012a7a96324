import type { ResMap } from '../res-map.ts';

/** One step of a kustomization. */
export interface Transformer {
  /** The original's name for it: `ImageTagTransformer`. */
  readonly type: string;
  transform(map: ResMap): void;
}
