import { asLandfallError, LandfallError } from '../kernel/index.ts';

const SENTENCES: Readonly<Record<string, string>> = {
  EACCES: 'permission was denied',
  EPERM: 'the system does not permit it',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  EEXIST: 'it exists already, and is something else',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its symbolic links lead in a circle',
};

/** Anything thrown, for the person who gave a path: what the system refuses to do with a file is no bug of ours. */
export function failureOf(thrown: unknown): LandfallError {
  if (!(thrown instanceof LandfallError) && thrown instanceof Error) {
    const { code = '', path, syscall } = thrown as NodeJS.ErrnoException;
    const sentence = SENTENCES[code];
    if (sentence !== undefined && path !== undefined && syscall !== undefined) {
      return new LandfallError(`Could not ${syscall} ${path}: ${sentence}.`, {
        kind: 'conflict',
        code: `file-${code.toLowerCase()}`,
        object: path,
        hint: 'Check the path and who may use it, or name another one.',
        cause: thrown,
      });
    }
  }
  return asLandfallError(thrown);
}
