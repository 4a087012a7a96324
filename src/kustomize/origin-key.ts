export const originKey = 'config.kubernetes.io/origin';

/** Where an object comes from, for `buildMetadata`. Source: api/resource/origin.go. */
export interface Origin {
  readonly path?: string;
  readonly repo?: string;
  readonly ref?: string;
  readonly configuredIn?: string;
  readonly configuredBy?: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name?: string;
    readonly namespace?: string;
  };
}
