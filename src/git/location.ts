import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LandfallError } from '../kernel/index.ts';

/** Where a repository is. Folders are read in place; everything else is mirrored. */
export type GitLocation =
  | { readonly kind: 'folder'; readonly folder: string; readonly display: string }
  | {
      readonly kind: 'remote';
      /** What the git program is given: never holds a password. */
      readonly url: string;
      /** For messages: holds no user information for HTTP. */
      readonly display: string;
      /** `Authorization` header taken from `https://user:password@…`. A secret. */
      readonly authorization?: string;
      /** The scheme and host the header may be sent to. */
      readonly origin?: string;
      /** For git alone: how it reaches this side (`GIT_SSH_COMMAND`, `GIT_SSL_CAINFO`). May name secret files. */
      readonly environment?: Readonly<Record<string, string>>;
    };

/** Who reads a repository, where its URL does not say. */
export interface GitAccess {
  /** Names the credentials, not their content: views of two never share a mirror, and new content takes its place. */
  readonly identity: string;
  /** An `Authorization` header for HTTP. A secret. */
  readonly authorization?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The same place, reached with credentials. Those in the URL itself win. */
export function withAccess(location: GitLocation, access: GitAccess | undefined): GitLocation {
  if (access === undefined || location.kind === 'folder') return location;
  const { authorization, environment = {} } = access;
  const http = /^https?:/.test(location.url);
  const header =
    http && authorization !== undefined && location.authorization === undefined
      ? { authorization, origin: `${new URL(location.url).origin}/` }
      : {};
  return { ...location, ...header, environment };
}

const REMOTE_SCHEMES = new Set(['http:', 'https:', 'ssh:', 'git:']);

/**
 * Reads a repository URL as people write it: a path, `file://`, `https://`, `ssh://`, `git://` or `host:path`.
 * Refuses transport helpers (`ext::`, `fd::`) and anything that the git program could take for an option.
 */
export function parseLocation(url: string): GitLocation {
  if (url === '' || url.startsWith('-') || /\p{Cc}/u.test(url) || url.length > 4096) {
    throw badUrl(url, 'it is empty, too long, starts with "-" or holds control characters');
  }
  if (/^[A-Za-z0-9+.-]+::/.test(url)) {
    throw badUrl(url, 'transport helpers such as ext:: run programs and are not allowed');
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return parseUrl(url);
  // host:path, unless a slash comes before the colon; git's own rule (see "GIT URLS" in git-fetch(1)).
  const scp = /^(?:(?<user>[^@/:]+)@)?(?<host>\[[^\]]+\]|[^/:]+):(?<path>.+)$/.exec(url);
  if (scp?.groups && !/^[A-Za-z]:[\\/]/.test(url)) {
    if ((scp.groups['host'] ?? '').startsWith('-') || (scp.groups['path'] ?? '').startsWith('-')) {
      throw badUrl(url, 'host and path may not start with "-"');
    }
    return { kind: 'remote', url, display: url };
  }
  const folder = path.resolve(url);
  return { kind: 'folder', folder, display: folder };
}

function parseUrl(url: string): GitLocation {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw badUrl(url, 'it does not parse');
  }
  if (parsed.protocol === 'file:') {
    try {
      const folder = path.resolve(fileURLToPath(parsed));
      return { kind: 'folder', folder, display: folder };
    } catch {
      throw badUrl(url, 'a file URL names a folder of this machine');
    }
  }
  if (!REMOTE_SCHEMES.has(parsed.protocol)) {
    throw badUrl(url, `the scheme ${parsed.protocol} is not one of https, http, ssh, git, file`);
  }
  if (parsed.hostname === '' || parsed.hostname.startsWith('-')) throw badUrl(url, 'it names no host');
  const http = parsed.protocol === 'http:' || parsed.protocol === 'https:';
  const bare = new URL(url);
  bare.password = '';
  const clean = new URL(bare);
  if (http) clean.username = '';
  const display = clean.href;
  if (!http || parsed.password === '') return { kind: 'remote', url: bare.href, display };
  const credentials = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
  return {
    kind: 'remote',
    url: clean.href,
    display,
    authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
    origin: `${parsed.protocol}//${parsed.host}/`,
  };
}

/** Takes the user information out of every URL in a text that another program wrote. */
export function withoutCredentials(text: string): string {
  return text.replaceAll(/\/\/[^/@\s'"]+@/g, '//');
}

function badUrl(url: string, why: string): LandfallError {
  const shown = withoutCredentials(url).slice(0, 200);
  return new LandfallError(`'${shown}' is not a repository that can be read: ${why}.`, {
    kind: 'invalid-input',
    code: 'git-url',
    object: shown,
    hint: 'Give a folder, or a URL with https, ssh or file.',
  });
}
