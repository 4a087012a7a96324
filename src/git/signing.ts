import { LandfallError } from '../kernel/index.ts';

/** How commits and tags are signed: git's own options, with the key where git looks for it. */
export interface Signing {
  readonly format: 'ssh' | 'openpgp';
  /** ssh: the file of the private key, or of the public key of an agent; openpgp: the identity of the key. */
  readonly key: string;
  /** The program that signs, where it is not `ssh-keygen` or `gpg`. An absolute path. */
  readonly program?: string;
}

/** What git is told before the name of the command. */
export function signingConfig(signing: Signing | undefined): readonly string[] {
  if (signing === undefined) return ['-c', 'commit.gpgSign=false', '-c', 'tag.gpgSign=false'];
  const { format, key, program } = signing;
  const bad = (what: string, hint: string) =>
    new LandfallError(`A commit was to be signed, and ${what}.`, {
      kind: 'invalid-input',
      code: 'git-signing-key',
      hint,
    });
  if (key === '' || key.length > 4000 || /\p{Cc}/u.test(key) || key.startsWith('-')) {
    throw bad('its key is no file and no identity', 'Give the path of the key, or its identity.');
  }
  if (program !== undefined && (!program.startsWith('/') || /\p{Cc}/u.test(program))) {
    throw bad('the program that signs is no absolute path', 'Give it from the root: /usr/bin/ssh-keygen.');
  }
  const name = format === 'ssh' ? 'gpg.ssh.program' : 'gpg.program';
  const settings = [
    `gpg.format=${format}`,
    `user.signingKey=${key}`,
    ...(program === undefined ? [] : [`${name}=${program}`]),
  ];
  return settings.flatMap((setting) => ['-c', setting]);
}
