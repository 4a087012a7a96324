import {
  LandfallError,
  asLandfallError,
  getObject,
  getString,
  isJsonObject,
  parseJson,
  parseYamlDocuments,
  runProgram,
  yamlToJson,
} from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { KubeObject } from '../../kube/index.ts';

type Format = 'yaml' | 'json' | 'dotenv' | 'ini' | 'binary';

/** Opens what SOPS has closed. Nothing that it gives or gets is in an error. */
export interface Decryptor {
  decrypt(content: Uint8Array, format: Format, where: string): Promise<Buffer>;
}

export interface SopsOptions {
  /** Default `sops`. */
  readonly program?: string;
  readonly signal: AbortSignal;
}

const TIMEOUT = 60_000;
const MAX_OUTPUT = 16 * 1024 * 1024;
/** Keys of a Flux decryption Secret that are handed on; others are for services that this program does not reach. */
const AGE = /\.agekey$/;
const REFUSED = /\.asc$|^sops\.(?:aws-kms|gcp-kms|azure-kv)$/;

function refuse(message: string, code: string, kind: 'invalid-input' | 'unavailable', hint: string) {
  return new LandfallError(message, { kind, code, hint });
}

/**
 * The decryptor that `spec.decryption` of a Flux Kustomization names; undefined where it names none. Throws
 * `invalid-input`, code `sops-keys`, for keys that are not handed to the program.
 */
export async function sopsOf(
  object: KubeObject,
  readSecret: (name: string) => Promise<KubeObject | undefined>,
  options: SopsOptions,
): Promise<Decryptor | undefined> {
  const decryption = getObject(object, 'spec', 'decryption');
  if (decryption === undefined) return undefined;
  const provider = getString(decryption, 'provider') ?? '';
  if (provider !== 'sops') {
    throw refuse(
      `decryption provider '${provider}' is not supported; wanted sops`,
      'sops-provider',
      'invalid-input',
      'Mend spec.decryption.provider.',
    );
  }
  const name = getString(decryption, 'secretRef', 'name') ?? '';
  const secret = name === '' ? undefined : await readSecret(name);
  if (name !== '' && secret === undefined) {
    throw refuse(
      `cannot get keys of decryption: secrets "${name}" not found`,
      'sops-keys',
      'invalid-input',
      'Create the Secret, or mend spec.decryption.secretRef.',
    );
  }
  return decryptorOf(environmentOf(secret, name), options);
}

/** Keys go into the environment of the program: not into its arguments, and into no file. */
function environmentOf(secret: KubeObject | undefined, name: string): Readonly<Record<string, string>> {
  const data = Object.entries(getObject(secret, 'data') ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const other = data.find(([key]) => REFUSED.test(key));
  if (other !== undefined) {
    throw refuse(
      `the Secret ${name} holds ${other[0]}; age keys (*.agekey) and a Vault token are what can be used`,
      'sops-keys',
      'invalid-input',
      'Encrypt for an age key, or take the other keys out of the Secret.',
    );
  }
  const text = (value: string) => Buffer.from(value, 'base64').toString('utf8').trim();
  const age = data.filter(([key]) => AGE.test(key)).map(([, value]) => text(value));
  const vault = data.find(([key]) => key === 'sops.vault-token')?.[1];
  return {
    ...(age.length === 0 ? {} : { SOPS_AGE_KEY: age.join('\n') }),
    ...(vault === undefined ? {} : { VAULT_TOKEN: text(vault) }),
  };
}

function decryptorOf(
  keys: Readonly<Record<string, string>>,
  { program = 'sops', signal }: SopsOptions,
): Decryptor {
  return {
    async decrypt(content, format, where) {
      // What a kustomization changes beside the values is signed too, so that the signature cannot be asked for.
      const args = [
        '--decrypt',
        '--ignore-mac',
        '--input-type',
        format,
        '--output-type',
        format,
        '/dev/stdin',
      ];
      try {
        const result = await runProgram(program, args, {
          input: content,
          env: { ...process.env, ...keys },
          timeoutMs: TIMEOUT,
          maxOutput: MAX_OUTPUT,
          signal,
        });
        if (result.code === 0) return result.stdout;
      } catch (thrown) {
        const error = asLandfallError(thrown);
        if (error.kind === 'cancelled') throw error;
        if (error.code === 'program-missing') {
          throw refuse(
            `${where} is encrypted with SOPS, and the sops program is not installed where it would be opened`,
            'sops-missing',
            'unavailable',
            'Install sops beside Landfall.',
          );
        }
      }
      throw refuse(
        `${where} is encrypted with SOPS, and sops could not open it with the keys of spec.decryption`,
        'sops-failed',
        'invalid-input',
        'Check that the Secret holds a key that the file was encrypted for.',
      );
    },
  };
}

function isClosed(value: JsonObject): boolean {
  const sops = getObject(value, 'sops');
  return (
    sops !== undefined &&
    (getString(sops, 'mac') !== undefined || getString(sops, 'lastmodified') !== undefined)
  );
}

/** An object as it is meant. Throws `unavailable`, code `sops-closed`, for one that nobody can open here. */
export async function opened(object: KubeObject, decryptor: Decryptor | undefined): Promise<KubeObject> {
  if (!isClosed(object)) return object;
  const where = `${object.kind}/${object.metadata.name}`;
  if (decryptor === undefined) {
    throw refuse(
      `${where} is SOPS encrypted, configuring decryption is required for it to be reconciled`,
      'sops-closed',
      'invalid-input',
      'Set spec.decryption of the Kustomization.',
    );
  }
  const plain = await decryptor.decrypt(Buffer.from(JSON.stringify(object)), 'json', where);
  try {
    const value = parseJson(plain.toString('utf8'), where);
    if (isJsonObject(value)) return value as KubeObject;
  } catch {
    // What does not parse would be quoted by the error: it is said without it.
  }
  throw refuse(
    `what sops gives for ${where} is no object`,
    'sops-failed',
    'invalid-input',
    'Encrypt it anew.',
  );
}

/** Files that generators read, opened as they are read; manifests are opened once they are built. */
export function openedTree(tree: FileTree, decryptor: Decryptor | undefined): FileTree {
  if (decryptor === undefined) return tree;
  const kept = new Map<string, Promise<Uint8Array>>();
  return {
    ...tree,
    async readFile(path) {
      const content = await tree.readFile(path);
      if (content === undefined) return undefined;
      const format = formatOf(path, content);
      if (format === undefined) return content;
      const known = kept.get(path) ?? decryptor.decrypt(content, format, path);
      kept.set(path, known);
      return known;
    },
    // What is opened is not what its hash in Git says: nothing that is kept by that is taken for it.
    identity: async (path) => {
      const identity = await tree.identity(path);
      return identity === undefined ? undefined : `opened ${identity}`;
    },
  };
}

/** How a closed file that is no manifest is written; undefined for everything else. */
function formatOf(path: string, content: Uint8Array): Format | undefined {
  const text = Buffer.from(content).toString('utf8');
  if (!text.includes('sops')) return undefined;
  if (/^sops_mac=/m.test(text)) return 'dotenv';
  if (/^\[sops\]/m.test(text)) return 'ini';
  let documents: readonly unknown[];
  try {
    documents = parseYamlDocuments(text, { source: path }).map((document) => yamlToJson(document));
  } catch {
    return undefined;
  }
  const [value] = documents;
  if (documents.length !== 1 || !isJsonObject(value) || !isClosed(value)) return undefined;
  if (getString(value, 'kind') !== undefined && getString(value, 'apiVersion') !== undefined)
    return undefined;
  if (!text.trimStart().startsWith('{')) return 'yaml';
  const isBinary = typeof value['data'] === 'string' && Object.keys(value).length === 2;
  return isBinary ? 'binary' : 'json';
}
