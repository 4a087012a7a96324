import type { TextLine } from '../block.ts';

/** A row of a table as kubectl, argocd, flux, helm and docker print them. */
export interface TableRow {
  readonly line: number;
  readonly cells: Readonly<Record<string, string>>;
}

export interface Table {
  readonly line: number;
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
  /** Lines behind the table. */
  readonly rest: readonly TextLine[];
}

/** Names of columns that hold blanks, since only some of them can be told from two columns. */
const TWO_WORDS = [
  'LAST SEEN',
  'FIRST SEEN',
  'NOMINATED NODE',
  'READINESS GATES',
  'NODE SELECTOR',
  'SYNC STATUS',
  'HEALTH STATUS',
  'MIN AVAILABLE',
  'MAX UNAVAILABLE',
  'ALLOWED DISRUPTIONS',
  'ACCESS MODES',
  'STORAGE CLASS',
  'RECLAIM POLICY',
  'LAST SCHEDULE',
  'INTERNAL-IP EXTERNAL-IP',
  'OS-IMAGE',
  'APP VERSION',
  'IMAGE ID',
  'CONTAINER ID',
  'CREATED AT',
  'TARGET REVISION',
  'ORPHANED RESOURCES',
  'LAST TRANSITION',
  'STARTUP TIME',
].filter((name) => name.includes(' '));

const HEADER =
  /^(?:STATUS|ADDRESS|HOST|IMAGE|NAMESPACE_?|NAMESPACE|NAME|LAST SEEN|REVISION|GROUP|KIND|READY|RESOURCE|REPOSITORY|CONTAINER ID|TYPE|DESIRED|ID|APP|REF|NODE|POD|CHART|SYNC STATUS|REASON|OBJECT)\b/;

const PLAIN =
  /^(?:NAMESPACE|NAME|READY|STATUS|RESTARTS|AGE|TYPE|REASON|OBJECT|MESSAGE|DATA|UP-TO-DATE|AVAILABLE|CLUSTER-IP|EXTERNAL-IP|PORT\(S\)|DESIRED|CURRENT|IP|NODE|IMAGES|SELECTOR|CONTAINERS|HOSTS|ADDRESS|PORTS|ENDPOINTS|REVISION|SUSPENDED|HEALTH)$/;

/** Words with one blank between them are one name (`REFRESH INTERVAL`), unless each of them is a column elsewhere. */
function separateWords(text: string): readonly { readonly name: string; readonly at: number }[] {
  const words = [...text.matchAll(/\S+/g)];
  return words.length > 1 &&
    !TWO_WORDS.includes(text) &&
    words.some((word) => PLAIN.test(word[0])) &&
    !/^(?:LAST|FIRST|CURRENT|MIN|MAX) /.test(text)
    ? words.map((word) => ({ name: word[0], at: word.index }))
    : [{ name: text, at: 0 }];
}

function columnsOf(text: string): readonly { readonly name: string; readonly at: number }[] {
  if (text.includes('\t'))
    return text.split('\t').flatMap((name, at) => (name.trim() === '' ? [] : [{ name: name.trim(), at }]));
  if (/\S {2,}\S/.test(text.trim()))
    return [...text.matchAll(/\S+(?: \S+)*/g)].flatMap((match) =>
      separateWords(match[0]).map(({ name, at }) => ({ name, at: match.index + at })),
    );
  const protectedText = TWO_WORDS.reduce(
    (all, name) => all.replaceAll(name, name.replaceAll(' ', '\uE000')),
    text,
  );
  return [...protectedText.matchAll(/[^\s]+/g)].map((match) => ({
    name: match[0].replaceAll('\uE000', ' '),
    at: match.index,
  }));
}

/** A line of column names: capitals only, at least two, the first one of those that such tables begin with. */
export function isHeader(text: string): boolean {
  const trimmed = text.trim().replaceAll('\t', ' ');
  if (!HEADER.test(trimmed) || /[a-z]{2}/.test(trimmed.replaceAll(/\((?:cores|bytes)\)/g, ''))) return false;
  return (
    columnsOf(trimmed).length >= 2 &&
    /^[A-Z0-9%()/ .:_-]+$/.test(trimmed.replaceAll(/\((?:cores|bytes)\)/g, ''))
  );
}

/** Values with blanks in them that stand in columns of their own. */
const SPACED: readonly RegExp[] = [
  /\b\d{4}-\d\d-\d\d [\d:.]+ [+-]\d{4} \w{2,5}\b/g,
  /\b[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ [\d:]+ \d{4}\b/g,
  /\b(?:About |an? |\d+ )(?:an? )?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)(?: ago)?\b/gi,
  /\b\d+ \((?:\d+[smhdy])+ ago\)/g,
  /\b(?:(?:\d+[smhdy])+|\d+) \(x\d+ over [^)]+\)/g,
];

function cellsBySpace(text: string, count: number): readonly string[] | undefined {
  const joined = SPACED.reduce(
    (all, pattern) => all.replaceAll(pattern, (found) => found.replaceAll(/ +/g, '\uE000')),
    text.trim(),
  );
  const words = joined.split(/\s+/).map((word) => word.replaceAll('\uE000', ' '));
  if (words.length === count) return words;
  if (words.length < count) return words.length >= Math.max(2, Math.ceil(count * 0.6)) ? words : undefined;
  // The last column may hold a sentence.
  return [...words.slice(0, count - 1), words.slice(count - 1).join(' ')];
}

/** By the places of the column names, where the text kept them: every column begins behind a blank. */
function cellsByPlace(
  text: string,
  columns: readonly { readonly at: number }[],
): readonly string[] | undefined {
  const fits = columns.every(
    ({ at }, index) => index === 0 || at >= text.length || /\s/.test(text[at - 1] ?? ' '),
  );
  if (!fits) return undefined;
  return columns.map(({ at }, index) => text.slice(at, columns[index + 1]?.at ?? text.length).trim());
}

/** True where columns are set apart by two blanks or more, as such tables are before somebody pastes them. */
function keepsPlaces(text: string): boolean {
  const gaps = [...text.trimEnd().matchAll(/\S( +)(?=\S)/g)].map((match) => (match[1] ?? '').length);
  return gaps.some((gap) => gap >= 2);
}

/**
 * Reads one table from its header on. Columns are told by the places of their names; in a text that lost its
 * blanks, by their number. A blank line, another header or a line that fits neither ends it.
 */
export function readTable(lines: readonly TextLine[]): Table | undefined {
  const [header, ...below] = lines;
  if (header === undefined || !isHeader(header.text)) return undefined;
  const columns = columnsOf(header.text);
  const tabbed = header.text.includes('\t');
  const placed = !tabbed && keepsPlaces(header.text);
  const rows: TableRow[] = [];
  let used = 0;
  for (const { text, line } of below) {
    // A comment and a key with its value begin something else.
    if (text.trim() === '' || isHeader(text) || /^\s*#|^[A-Za-z][\w-]*:(?:\s|$)/.test(text)) break;
    const byTab = tabbed && text.includes('\t') ? text.split('\t').map((cell) => cell.trim()) : undefined;
    const cells =
      byTab !== undefined
        ? columns.map(({ at }) => byTab[at] ?? '')
        : ((placed ? cellsByPlace(text, columns) : undefined) ?? cellsBySpace(text, columns.length));
    if (cells === undefined || cells.filter((cell) => cell !== '').length < 2) break;
    rows.push({
      line,
      cells: Object.fromEntries(columns.map(({ name }, index) => [name, cells[index] ?? ''])),
    });
    used += 1;
  }
  return { line: header.line, columns: columns.map(({ name }) => name), rows, rest: below.slice(used) };
}
