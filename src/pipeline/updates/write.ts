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
