import { readFile } from 'node:fs/promises';
import { LandfallError } from '../../kernel/index.ts';

/** Where the token is: the name of an environment variable, or a mounted file. Never the token itself. */
export type TokenSource = string | { readonly file: string };

const USUAL = { github: 'GITHUB_TOKEN', gitlab: 'GITLAB_TOKEN', gitea: 'GITEA_TOKEN' } as const;

/** The source that is looked at where none is named. */
export function usualToken(provider: keyof typeof USUAL): string {
  return USUAL[provider];
}

export function tokenName(source: TokenSource): string {
  return typeof source === 'string' ? `the environment variable ${source}` : `the file ${source.file}`;
}

/** Read anew for every use, since mounted tokens are rotated. */
export async function readToken(
  source: TokenSource,
  display: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const text = typeof source === 'string' ? environment[source] : await fileText(source.file, display);
  const token = text?.trim() ?? '';
  if (token === '') throw missing(source, display, 'is not set or empty');
  if (token.length > 10_000 || !/^[\x21-\x7e]+$/.test(token)) {
    throw missing(source, display, 'holds something that is no token');
  }
  return token;
}

async function fileText(file: string, display: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'it failed';
    throw missing({ file }, display, `cannot be read (${code})`);
  }
}

function missing(source: TokenSource, display: string, why: string): LandfallError {
  return new LandfallError(`No token for pull requests in ${display}: ${tokenName(source)} ${why}.`, {
    kind: 'denied',
    code: 'forge-token',
    object: display,
    hint: 'Mount a token that may open pull requests, and name its variable or file in landfall.yaml.',
  });
}
