/** One way to authenticate that a server offers (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Lower case: `basic`, `bearer`, `negotiate`. */
  readonly scheme: string;
  /** Lower-case names. */
  readonly parameters: Readonly<Record<string, string>>;
}

const LENGTH_LIMIT = 16 * 1024;
const SCHEME = /\s*,*\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?=\s|,|$)/y;
const PARAMETER = /\s*,?\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/y;
const TOKEN68 = /\s+[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y;

/** Reads one or several WWW-Authenticate headers. What does not parse ends its header; nothing is thrown. */
export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  return headers.flatMap((header) => parseHeader(header.slice(0, LENGTH_LIMIT)));
}

function parseHeader(header: string): readonly Challenge[] {
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const matched = pattern.exec(header);
    if (matched !== null) at = pattern.lastIndex;
    return matched;
  };
  while (at < header.length) {
    const scheme = take(SCHEME)?.[1];
    if (scheme === undefined) break;
    const parameters: Record<string, string> = {};
    for (let next = take(PARAMETER); next !== null; next = take(PARAMETER)) {
      const [, name = '', quoted, bare = ''] = next;
      parameters[name.toLowerCase()] = quoted === undefined ? bare : quoted.replaceAll(/\\(.)/g, '$1');
    }
    if (Object.keys(parameters).length === 0) take(TOKEN68);
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
  }
  return challenges;
}

/** The challenge that is answered: a token where one is offered, else a password. */
export function chooseChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  return (
    challenges.find(({ scheme }) => scheme === 'bearer') ??
    challenges.find(({ scheme }) => scheme === 'basic')
  );
}
