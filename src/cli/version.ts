import { readFileSync } from 'node:fs';

declare const LANDFALL_VERSION: string | undefined;

/** The version of this package: built in by the bundler, read from package.json where it runs from source. */
export function version(): string {
  if (typeof LANDFALL_VERSION === 'string') return LANDFALL_VERSION;
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
