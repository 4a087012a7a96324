import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LandfallError, asLandfallError, runProgram } from '../kernel/index.ts';
import { assertOid, runGit, tryGit } from './program.ts';
import type { Repository } from './revisions.ts';

/** Public keys of those whose signature counts, as text. */
export interface TrustedKeys {
  /** Armoured or binary OpenPGP keys. */
  readonly openpgp: readonly (string | Uint8Array)[];
  /** Lines of an `authorized_keys` file. */
  readonly ssh: readonly string[];
}

/** Which object is to be signed: a commit, or the tag that names it. */
export type Signed =
  | { readonly object: 'commit'; readonly commit: string }
  /** `tag` is a full name, `refs/tags/…`; it has to name that commit. */
  | { readonly object: 'tag'; readonly tag: string; readonly commit: string };

export type Verification =
  | { readonly state: 'verified'; readonly key: string }
  /** `unsigned` and `not-a-tag` are told from a signature that does not count. */
  | { readonly state: 'refused'; readonly reason: 'unsigned' | 'untrusted'; readonly why: string };

const TIMEOUT_MS = 30_000;

/**
 * Whether one of those keys has signed it, by git's own verification, in a home that holds those keys and no other.
 * Throws `not-found`, code `verify-program`, where the program for that kind of signature is not installed.
 */
export async function verifySignature(
  repository: Repository,
  signed: Signed,
  keys: TrustedKeys,
  signal: AbortSignal,
): Promise<Verification> {
  const oid =
    signed.object === 'commit' ? assertOid(signed.commit) : await tagObject(repository, signed, signal);
  if (oid === undefined) return refused('unsigned', 'it is a lightweight tag, which cannot be signed');
  const what = `Reading ${signed.object} ${oid.slice(0, 12)} of ${repository.display}`;
  const { gitDir } = repository;
  const text = await runGit(what, ['cat-file', signed.object, oid], { gitDir, signal });
  const kind = signatureOf(text, signed.object);
  if (kind === undefined) return refused('unsigned', 'it is not signed');
  if (kind === 'x509') return refused('untrusted', 'it has an X.509 signature, which is not checked here');
  const home = await mkdtemp(path.join(tmpdir(), 'landfall-verify-'));
  try {
    const prepared =
      kind === 'openpgp' ? await openpgpHome(home, keys.openpgp, signal) : await sshSigners(home, keys.ssh);
    if (!prepared)
      return refused('untrusted', `no ${kind === 'ssh' ? 'SSH' : 'PGP'} key is given to check it with`);
    const result = await tryGit([...programs(home), `verify-${signed.object}`, '--raw', oid], {
      gitDir,
      signal,
      timeoutMs: TIMEOUT_MS,
      env: environment(home),
    });
    const said = `${result.stdout.toString('utf8')}\n${result.stderr}`;
    if (/cannot (?:run|exec)|No such file or directory/.test(said) && result.code !== 0) throw missing(kind);
    const key = /^\[GNUPG:\] GOODSIG ([0-9A-F]+)/m.exec(said)?.[1] ?? /\b(SHA256:[\w+/=]+)/.exec(said)?.[1];
    if (result.code === 0 && key !== undefined) return { state: 'verified', key };
    return refused('untrusted', reasonIn(said));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function refused(reason: 'unsigned' | 'untrusted', why: string): Verification {
  return { state: 'refused', reason, why };
}

/** The tag's own object; undefined for one that has none. */
async function tagObject(
  { gitDir, display }: Repository,
  { tag, commit }: Extract<Signed, { object: 'tag' }>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const attempted = `Reading ${tag} of ${display}`;
  const ask = async (...args: readonly string[]) =>
    (await runGit(attempted, args, { gitDir, signal })).trim();
  const oid = assertOid(await ask('rev-parse', '--verify', '--end-of-options', tag));
  if ((await ask('cat-file', '-t', oid)) !== 'tag') return undefined;
  const peeled = await ask('rev-parse', '--verify', '--end-of-options', `${oid}^{commit}`);
  if (peeled === commit) return oid;
  throw new LandfallError(`${attempted}: it names ${peeled} by now, and no longer ${commit}.`, {
    kind: 'unavailable',
    code: 'git-tag-moved',
    object: tag,
    hint: 'It is looked at again.',
  });
}

function signatureOf(text: string, object: 'commit' | 'tag'): 'openpgp' | 'ssh' | 'x509' | undefined {
  const headers = text.slice(0, text.indexOf('\n\n') + 1);
  const place = object === 'commit' ? (/^gpgsig(?:-sha256)? (.*)$/m.exec(headers)?.[1] ?? '') : text;
  const kind = /-----BEGIN (PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----/.exec(place)?.[1];
  if (kind === undefined) return undefined;
  return kind === 'SSH SIGNATURE' ? 'ssh' : kind === 'SIGNED MESSAGE' ? 'x509' : 'openpgp';
}

function programs(home: string): readonly string[] {
  return [
    'gpg.program=gpg',
    'gpg.x509.program=/bin/false',
    'gpg.ssh.program=ssh-keygen',
    `gpg.ssh.allowedSignersFile=${path.join(home, 'signers')}`,
  ].flatMap((setting) => ['-c', setting]);
}

/** Nothing of the user, the machine or an agent of theirs has a say. */
function environment(home: string): Readonly<Record<string, string>> {
  return {
    HOME: home,
    GNUPGHOME: path.join(home, 'gnupg'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  };
}

/** False: none of them is a key. */
async function openpgpHome(
  home: string,
  keys: readonly (string | Uint8Array)[],
  signal: AbortSignal,
): Promise<boolean> {
  const gnupg = path.join(home, 'gnupg');
  await mkdir(gnupg, { mode: 0o700 });
  // Without it newer versions start a key server of their own.
  await writeFile(path.join(gnupg, 'common.conf'), '');
  await writeFile(path.join(gnupg, 'gpg.conf'), 'no-autostart\nno-auto-key-retrieve\ntrust-model always\n');
  let imported = false;
  for (const input of keys) {
    try {
      const { code } = await runProgram('gpg', ['--batch', '--no-tty', '--quiet', '--import'], {
        input,
        signal,
        timeoutMs: TIMEOUT_MS,
        env: { ...process.env, ...environment(home) },
      });
      imported ||= code === 0;
    } catch (thrown) {
      if (asLandfallError(thrown).code === 'program-missing') throw missing('openpgp');
      throw thrown;
    }
  }
  return imported;
}

async function sshSigners(home: string, keys: readonly string[]): Promise<boolean> {
  const lines = keys
    .flatMap((text) => text.split('\n'))
    .flatMap((line) => /(?:^|\s)((?:ssh-|ecdsa-|sk-)[\w@.-]+ [A-Za-z0-9+/=]+)/.exec(line)?.[1] ?? [])
    .map((key) => `* namespaces="git" ${key}`);
  await writeFile(path.join(home, 'signers'), `${lines.join('\n')}\n`, { mode: 0o600 });
  return lines.length > 0;
}

function missing(kind: 'openpgp' | 'ssh'): LandfallError {
  const program = kind === 'ssh' ? 'ssh-keygen' : 'gpg';
  return new LandfallError(`The signature cannot be checked: the program ${program} is not installed.`, {
    kind: 'not-found',
    code: 'verify-program',
    object: program,
    hint: `Install ${program} where the controller runs.`,
  });
}

/** What gpg and ssh-keygen say is for machines; this is for people. */
function reasonIn(said: string): string {
  if (/\[GNUPG:\] NO_PUBKEY|No principal matched|Could not verify signature/.test(said)) {
    return 'none of the given keys has made it';
  }
  if (/\[GNUPG:\] REVKEYSIG/.test(said)) return 'its key was revoked';
  if (/\[GNUPG:\] (?:EXPKEYSIG|EXPSIG)/.test(said)) return 'it, or its key, has expired';
  if (/\[GNUPG:\] BADSIG|incorrect signature/.test(said)) return 'it is not of this content';
  return 'none of the given keys has made it, or it is not of this content';
}
