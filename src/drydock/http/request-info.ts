/** What a URL of the resource API asks about. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly resource: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What follows the subresource, for proxies, undecoded and with its leading slash. */
  readonly rest: string;
}

const MAX_PATH = 8 * 1024;

function decoded(part: string): string | undefined {
  try {
    const text = decodeURIComponent(part);
    return text.includes('/') || text === '.' || text === '..' ? undefined : text;
  } catch {
    return undefined;
  }
}

/**
 * Reads `/api/v1/...` and `/apis/GROUP/VERSION/...`; undefined for anything else. The rest of a proxy's path is kept
 * as it was written.
 */
export function readResourcePath(pathname: string): ResourcePath | undefined {
  if (pathname.length > MAX_PATH) return undefined;
  const raw = pathname.split('/');
  const parts: string[] = [];
  for (const part of raw.slice(1, 12)) {
    const text = decoded(part);
    if (text === undefined) {
      // Only what a proxy passes on may hold such parts.
      if (!parts.includes('proxy')) return undefined;
      parts.push(part);
    } else {
      parts.push(text);
    }
  }
  while (parts.at(-1) === '' && raw.length <= 12 && !parts.includes('proxy')) parts.pop();
  let at: number;
  let group: string;
  if (parts[0] === 'api') {
    group = '';
    at = 1;
  } else if (parts[0] === 'apis') {
    group = parts[1] ?? '';
    at = 2;
    if (group === '') return undefined;
  } else {
    return undefined;
  }
  const version = parts[at++];
  if (version === undefined || version === '') return undefined;
  let namespace: string | undefined;
  if (parts[at] === 'watch') at++;
  if (parts[at] === 'namespaces' && parts.length > at + 2 && !isNamespaceSubresource(parts, at)) {
    namespace = parts[at + 1];
    at += 2;
  }
  const resource = parts[at];
  if (resource === undefined || resource === '') return undefined;
  const name = parts[at + 1] === '' ? undefined : parts[at + 1];
  const subresource = parts[at + 2];
  const restParts = raw.slice(at + 4);
  const rest = raw.length > at + 4 ? `/${restParts.join('/')}` : '';
  if (rest !== '' && subresource !== 'proxy') return undefined;
  return {
    group,
    version,
    namespace,
    resource,
    name,
    subresource: subresource === '' ? undefined : subresource,
    rest,
  };
}

function isNamespaceSubresource(parts: readonly string[], at: number): boolean {
  const third = parts[at + 2];
  return parts.length === at + 3 && (third === 'status' || third === 'finalize' || third === '');
}
