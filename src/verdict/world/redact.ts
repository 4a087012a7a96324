const HIDDEN = '(hidden)';

const SECRETS: readonly (readonly [pattern: RegExp, by: string])[] = [
  [/(\b[a-z][a-z\d+.-]*:\/\/[^\s:/@]{0,200}:)[^\s@]{1,500}@/gi, `$1${HIDDEN}@`],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${HIDDEN}`],
  [
    /(["']?[\w-]{0,60}(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|credential)[\w-]{0,30}["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;&]+)/gi,
    `$1${HIDDEN}`,
  ],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/g, HIDDEN],
];

/** A line of a log without what looks like a credential: in URLs, headers, assignments, and tokens by their shape. */
export function redacted(line: string): string {
  return SECRETS.reduce((text, [pattern, by]) => text.replaceAll(pattern, by), line);
}
