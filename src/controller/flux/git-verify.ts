import { asLandfallError, getObject, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { GitMirror, TrustedKeys } from '../../git/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { Conditions } from './kinds.ts';
import { namedSecret } from './secrets.ts';
import { sourceFailed } from './source-status.ts';

/** What a look at the signatures leaves in the status. */
interface Verified {
  readonly conditions: Conditions;
  readonly status: JsonObject;
}

const KEPT = 1000;

/**
 * `spec.verify`: the commit, the tag that was asked for, or both, are signed by one of the keys in its Secret. What was
 * found good stays so for the same keys. Throws what the status then says.
 */
export function createVerifier(client: KubeClient) {
  const known = new Map<string, string>();

  async function keyOf(
    mirror: GitMirror,
    signed: Parameters<GitMirror['verify']>[0],
    keys: TrustedKeys,
    version: string,
    signal: AbortSignal,
  ): Promise<string> {
    const remembered = JSON.stringify([mirror.display, signed, version]);
    const before = known.get(remembered);
    if (before !== undefined) return before;
    const what = signed.object === 'tag' ? `tag '${shortTag(signed.tag)}'` : `commit '${signed.commit}'`;
    let found;
    try {
      found = await mirror.verify(signed, keys, signal);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.code !== 'verify-program') throw error;
      throw failure('VerificationError', `signature verification of ${what} failed: ${error.message}`);
    }
    if (found.state === 'refused') {
      if (signed.object === 'tag' && found.reason === 'unsigned') {
        throw failure('InvalidGitObject', `cannot verify signature of ${what}: ${found.why}`);
      }
      const reason = signed.object === 'tag' ? 'InvalidTagSignature' : 'InvalidCommitSignature';
      throw failure(reason, `signature verification of ${what} failed: ${found.why}`);
    }
    known.set(remembered, found.key);
    for (const oldest of known.keys()) {
      if (known.size <= KEPT) break;
      known.delete(oldest);
    }
    return found.key;
  }

  return async (
    source: KubeObject,
    mirror: GitMirror,
    at: { readonly ref: string; readonly commit: string },
    signal: AbortSignal,
  ): Promise<Verified> => {
    const spec = getObject(source, 'spec', 'verify');
    if (spec === undefined) return { conditions: {}, status: {} };
    const mode = getString(spec, 'mode') || 'HEAD';
    const wantsTag = mode === 'Tag' || mode === 'TagAndHEAD';
    if (!wantsTag && mode !== 'HEAD' && mode !== 'head') {
      throw failure(
        'InvalidVerificationMode',
        `spec.verify.mode '${mode}' is not HEAD, Tag or TagAndHEAD`,
        true,
      );
    }
    if (wantsTag && !at.ref.startsWith('refs/tags/')) {
      const message = "cannot verify tag object's signature if a tag reference is not specified";
      throw failure('InvalidVerificationMode', message, true);
    }
    let secret: KubeObject;
    try {
      const name = getString(spec, 'secretRef', 'name') ?? '';
      secret = await namedSecret(client, source, name, 'spec.verify.secretRef', signal);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.code !== 'secret-missing') throw error;
      throw failure('VerificationError', `public keys secret error: ${error.message}`);
    }
    const keys = keysOf(secret);
    const version = `${secret.metadata.uid ?? ''}/${secret.metadata.resourceVersion ?? ''}`;
    const { commit } = at;
    const lines: string[] = [];
    if (wantsTag) {
      const key = await keyOf(mirror, { object: 'tag', tag: at.ref, commit }, keys, version, signal);
      lines.push(`\n\t- tag '${shortTag(at.ref)}' with key '${key}'`);
    }
    if (mode !== 'Tag') {
      const key = await keyOf(mirror, { object: 'commit', commit }, keys, version, signal);
      lines.push(`\n\t- commit '${commit}' with key '${key}'`);
    }
    const message = `verified signature of${lines.join('')}`;
    return {
      conditions: { SourceVerified: { status: 'True', reason: 'Succeeded', message } },
      status: { sourceVerificationMode: mode },
    };
  };
}

function failure(reason: string, message: string, stalled = false) {
  return sourceFailed({ condition: 'SourceVerified', reason, message, stalled });
}

function shortTag(ref: string): string {
  return ref.replace(/^refs\/tags\//, '');
}

/** `*.sshpub` are SSH keys; everything else is one of PGP, whatever it is called. */
function keysOf(secret: KubeObject): TrustedKeys {
  const openpgp: Uint8Array[] = [];
  const ssh: string[] = [];
  for (const [name, value] of Object.entries(getObject(secret, 'data') ?? {})) {
    if (typeof value !== 'string') continue;
    const bytes = Buffer.from(value, 'base64');
    if (name.endsWith('.sshpub')) ssh.push(bytes.toString('utf8'));
    else openpgp.push(bytes);
  }
  return { openpgp, ssh };
}
