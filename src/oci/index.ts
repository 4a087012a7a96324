/** Images and the registries that hold them: the OCI distribution API, a builder, and what a pod's imageID proves. */
export {
  familiarName,
  formatReference,
  isTag,
  parseCanonical,
  parseReference,
  parseReferenceOrDigest,
  pulledReference,
} from './reference.ts';
export type { ImageReference, PinnedReference, ReferenceProblem } from './reference.ts';
export { digestOf, isDigest } from './digest.ts';
export { createRegistryClient } from './client.ts';
export type { ImageName, RegistryClient, RegistryClientOptions } from './client.ts';
export type { Mirror } from './endpoints.ts';
export { anonymous, firstOf } from './credentials.ts';
export type { Credentials, CredentialSource } from './credentials.ts';
export { dockerCredentials } from './docker-credentials.ts';
export type { DockerCredentialsOptions } from './docker-credentials.ts';
export { pullSecretCredentials } from './pull-secrets.ts';
export type { PullSecret } from './pull-secrets.ts';
export { platformText } from './manifest.ts';
export type { Descriptor, Manifest, Platform } from './manifest.ts';
export type { ManifestHead, WrittenManifest } from './manifest-client.ts';
export type { BlobPush } from './blob-client.ts';
export type { PlatformManifest, Resolution } from './resolve.ts';
export { compareImageId, parseImageId } from './image-id.ts';
export type { ImageComparison, ImageLookup, ObservedImageId } from './image-id.ts';
export { buildImage, ownPlatform } from './build-image.ts';
export type { BuiltImage, BuiltPlatform, ImageLabels, ImagePart, ImageRecipe } from './build-image.ts';
export { pushImage } from './push-image.ts';
export type { PushedImage } from './push-image.ts';
export { attachBuildRecord, BUILD_RECORD_TYPE, parseBuildRecord, readBuildRecords } from './build-record.ts';
export type { AttachedRecord, BuildRecord } from './build-record.ts';
