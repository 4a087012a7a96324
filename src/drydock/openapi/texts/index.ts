import type { ApiTexts } from './packages.ts';

export type { ApiTexts, FieldText, TypeText } from './packages.ts';

let loaded: Promise<ApiTexts> | undefined;

/** The documentation of the built-in types; loaded when the first client asks for an OpenAPI document. */
export function loadTexts(): Promise<ApiTexts> {
  loaded ??= import('./installed.ts').then(({ installedTexts }) => installedTexts());
  return loaded;
}
