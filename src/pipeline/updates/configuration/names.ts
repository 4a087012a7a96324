import path from 'node:path';
import { LandfallError } from '../../../kernel/index.ts';
import { parseReference, type Platform } from '../../../oci/index.ts';

/** `registry/repository` in full. Throws `invalid-input` for what is no name of an image. */
export function fullName(image: string): string {
  const { registry, repository } = parseReference(image);
  return `${registry}/${repository}`;
}

/** `name:constraint`, where the constraint may be a range that no tag could spell, such as `~1.2`. */
export function splitConstraint(text: string): { readonly name: string; readonly constraint: string } {
  const [bare = ''] = text.trim().split('@');
  const colon = bare.lastIndexOf(':');
  if (colon <= bare.lastIndexOf('/')) return { name: bare, constraint: '' };
  return { name: bare.slice(0, colon), constraint: bare.slice(colon + 1) };
}

/** `os/architecture[/variant]`; throws `invalid-input` for anything else: the wrong platform must not be taken. */
export function parsePlatform(text: string, where: string): Platform {
  const [os, architecture, variant, more] = text.trim().split('/');
  if (
    os === undefined ||
    os === '' ||
    architecture === undefined ||
    architecture === '' ||
    more !== undefined
  )
    throw configurationError(where, `'${text}' is no platform`, 'Write it as linux/amd64 or linux/arm64/v8.');
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** A path of an updater's configuration: absolute from the repository's root, else from the application's folder. */
export function pathInRepository(text: string, folder: string, where: string): string {
  const joined = text.startsWith('/') ? path.posix.normalize(text.slice(1)) : path.posix.join(folder, text);
  const clean = joined.replace(/\/+$/, '');
  if (clean === '..' || clean.startsWith('../'))
    throw configurationError(
      where,
      `'${text}' leads out of the repository`,
      'Name a path inside of it; one with a slash in front starts at its root.',
    );
  return clean === '' ? '.' : clean;
}

export function configurationError(where: string, problem: string, hint: string): LandfallError {
  return new LandfallError(`${where}: ${problem}.`, {
    kind: 'invalid-input',
    code: 'update-configuration',
    object: where,
    hint,
  });
}
