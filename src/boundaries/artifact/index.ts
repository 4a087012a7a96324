export { collectImages, fullRepository } from './collect.ts';
export type { CollectedImages } from './collect.ts';
export { decideArtifact } from './decide.ts';
export type { NodePlatform, NodePlatforms } from './decide.ts';
export { compareAge, imageName, leadingImage } from './age.ts';
export { isNamedBy, isSameImage, releaseOf } from './facts.ts';
export type {
  BuildFacts,
  CommitBuild,
  ImageAnswer,
  ImageFacts,
  ImageUse,
  PlatformImage,
  ProvenanceFacts,
  Release,
} from './facts.ts';
