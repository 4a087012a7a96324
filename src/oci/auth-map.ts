import type { Credentials } from './credentials.ts';

const HUB = 'index.docker.io';
/** All of them have meant Docker Hub in configurations. */
const HUB_NAMES: ReadonlySet<string> = new Set([HUB, 'docker.io', 'registry-1.docker.io']);

interface Place {
  readonly host: string;
  /** Without slashes around it; '' for the whole host. */
  readonly path: string;
}

/** `https://host/v1/` and `host/path` as a place; Docker writes both, and /v1/ and /v2/ mean the whole host. */
export function authPlace(key: string): Place {
  const bare = key.replace(/^https?:\/\//, '');
  const slash = bare.indexOf('/');
  const host = (slash < 0 ? bare : bare.slice(0, slash)).toLowerCase();
  const path = slash < 0 ? '' : bare.slice(slash + 1).replace(/\/+$/, '');
  return {
    host: HUB_NAMES.has(host) ? HUB : host,
    path: path === 'v1' || path === 'v2' ? '' : path.replace(/^v[12]\//, ''),
  };
}

/** How a key is compared: exactly and by whole path parts, or as Kubernetes does for pull secrets. */
export type AuthMatching = 'docker' | 'kubernetes';

/**
 * The entry that is nearest to a repository: the longest path, then the earliest. Kubernetes takes any prefix of the
 * path, allows `*` and `?` in each label of the host, and needs the same port (credentialprovider/keyring.go).
 */
export function nearestEntry<T extends { readonly key: string }>(
  entries: readonly T[],
  host: string,
  repository: string,
  matching: AuthMatching,
): T | undefined {
  const wanted = authPlace(host);
  let best: { readonly entry: T; readonly length: number; readonly exact: boolean } | undefined;
  for (const entry of entries) {
    const place = authPlace(entry.key);
    const exact = place.host === wanted.host;
    if (!exact && (matching === 'docker' || !globHost(place.host, wanted.host))) continue;
    const { path } = place;
    const within =
      matching === 'kubernetes'
        ? repository.startsWith(path)
        : path === '' || repository === path || repository.startsWith(`${path}/`);
    if (!within) continue;
    const better =
      best === undefined ||
      path.length > best.length ||
      (path.length === best.length && exact && !best.exact);
    if (better) best = { entry, length: path.length, exact };
  }
  return best?.entry;
}

function globHost(pattern: string, host: string): boolean {
  const [patternName = '', patternPort = ''] = splitPort(pattern);
  const [name = '', port = ''] = splitPort(host);
  const patterns = patternName.split('.');
  const labels = name.split('.');
  return (
    patternPort === port &&
    patterns.length === labels.length &&
    patterns.every((label, at) => globLabel(label, labels[at] ?? ''))
  );
}

function splitPort(host: string): readonly string[] {
  const [, name = host, port = ''] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  return [name, port];
}

/** `*` and `?`, by position and without backtracking more than one star. */
function globLabel(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t]) && pattern[p] !== '*') {
      p += 1;
      t += 1;
    } else if (p < pattern.length && pattern[p] === '*') {
      star = p;
      resume = t;
      p += 1;
    } else if (star >= 0) {
      resume += 1;
      p = star + 1;
      t = resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

export interface AuthEntry {
  readonly key: string;
  readonly credentials: Credentials | undefined;
}
