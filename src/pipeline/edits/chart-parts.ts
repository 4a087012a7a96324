import { splitReference } from './reference-text.ts';
import { sameName } from './rendered-images.ts';

/** What most charts call the name of an image in their values. */
export const NAMES: readonly string[] = ['repository', 'image', 'name'];
export const TAGS: readonly string[] = ['tag', 'imageTag', 'version'];

/**
 * Whether a rendered reference can be made of a written name and tag: the name perhaps without its registry, the tag
 * perhaps with a digest behind it. A name that is not written fits, as does an empty tag, for which most charts take
 * the version that the chart is of.
 */
export function sameParts(value: string, name: string | undefined, tag: string): boolean {
  const rendered = splitReference(value);
  const named =
    name === undefined ||
    sameName(rendered.name, name) ||
    (name !== '' && rendered.name.endsWith(`/${name}`));
  const was = tag.replace(/@.*$/, '');
  return named && (was === rendered.tag || (was === '' && name !== undefined));
}
