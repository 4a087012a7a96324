import type { Environment } from '@marcbachmann/cel-js';

class Url {
  readonly value: URL | undefined;
  /** A path alone, as Go's ParseRequestURI takes it too. */
  readonly path: string;
  constructor(text: string) {
    this.value = text.startsWith('/') ? undefined : new URL(text);
    this.path = text;
  }
}

function isUrl(text: string): boolean {
  return text.startsWith('/') || (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && URL.canParse(text));
}

/** Source: Kubernetes' pkg/cel/library/urls.go. */
export function registerUrls(env: Environment): void {
  env.registerType('kubernetes.URL', Url);
  env.registerFunction('isURL(string): bool', isUrl);
  env.registerFunction('url(string): kubernetes.URL', (text: string) => {
    if (!isUrl(text))
      throw new Error(`URL parse error during conversion from string: ${JSON.stringify(text)}`);
    return new Url(text);
  });
  const part = (name: string, read: (url: URL) => string, ofPath: (path: string) => string = () => '') =>
    env.registerFunction(`kubernetes.URL.${name}(): string`, ({ value, path }: Url) =>
      value === undefined ? ofPath(path) : read(value),
    );
  part('getScheme', (url) => url.protocol.replace(/:$/, ''));
  part('getHost', (url) => url.host);
  part('getHostname', (url) => url.hostname.replace(/^\[|\]$/g, ''));
  part('getPort', (url) => url.port);
  part(
    'getEscapedPath',
    (url) => url.pathname,
    (path) => path.split('?', 1)[0] ?? '',
  );
  env.registerFunction('kubernetes.URL.getQuery(): map<string, list<string>>', ({ value, path }: Url) => {
    const query = new Map<string, string[]>();
    const search = value?.searchParams ?? new URLSearchParams(path.split('?', 2)[1] ?? '');
    for (const [key, text] of search) query.set(key, [...(query.get(key) ?? []), text]);
    return query;
  });
}
