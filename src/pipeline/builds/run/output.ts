import { StringDecoder } from 'node:string_decoder';

/** A value that must not be shown, and what it is called. */
export interface Secret {
  readonly name: string;
  readonly value: string;
}

export interface Output {
  write(chunk: Buffer): void;
  /** What was held back since it could have been the beginning of a secret. */
  end(): void;
  readonly head: string;
  readonly tail: string;
  /** Characters in all. */
  readonly written: number;
}

const HEAD = 32 * 1024;
const TAIL = 32 * 1024;
const SHORTEST_LINE = 8;

/** The ways in which programs write a value: as it is, encoded, escaped, and the lines of a longer one. */
function formsOf({ value }: Secret): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  const escaped = JSON.stringify(value).slice(1, -1);
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  return [
    value,
    value.trim(),
    base64,
    base64.replaceAll('+', '-').replaceAll('/', '_'),
    encodeURIComponent(value),
    escaped,
    ...(lines.length > 1 ? lines.filter((line) => line.length >= SHORTEST_LINE) : []),
  ].filter((form) => form !== '');
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** Sequences that move a cursor or colour a terminal, whole; and the beginning of one at the end of a text. */
// oxlint-disable-next-line no-control-regex
const SEQUENCE = /\u001B(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\u0007\u001B]{0,512}(?:\u0007|\u001B\\)|[@-Z\\-_])/g;
// oxlint-disable-next-line no-control-regex
const BEGINNING = /(?:\u001B(?:\[[0-9;:?]{0,64}[ -/]{0,8}|\][^\u0007\u001B]{0,512})?|\r)$/;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g;

/**
 * What a step writes, as it may be kept and shown: without secrets, however they are cut into pieces; without what
 * would write over a terminal; the first and the last of it, and how much there was.
 */
export function createOutput(secrets: readonly Secret[], limits = { head: HEAD, tail: TAIL }): Output {
  const decoder = new StringDecoder('utf8');
  const forms = new Map<string, string>();
  for (const secret of secrets)
    for (const form of formsOf(secret)) if (!forms.has(form)) forms.set(form, secret.name);
  const known = [...forms.keys()].sort((a, b) => b.length - a.length);
  const longest = known[0]?.length ?? 0;
  const pattern = known.length === 0 ? undefined : new RegExp(known.map(literal).join('|'), 'g');
  let unread = '';
  let held = '';
  let head = '';
  let tail = '';
  let written = 0;

  function keep(text: string): void {
    written += text.length;
    const toHead = text.slice(0, Math.max(0, limits.head - head.length));
    head += toHead;
    tail = (tail + text.slice(toHead.length)).slice(-limits.tail);
  }

  function redact(text: string, final: boolean): void {
    held += text;
    let at = 0;
    if (pattern !== undefined) {
      pattern.lastIndex = 0;
      for (let match = pattern.exec(held); match !== null; match = pattern.exec(held)) {
        // A longer secret may begin at the same place and be on its way.
        if (!final && match.index > held.length - longest) break;
        keep(`${held.slice(at, match.index)}[secret ${forms.get(match[0]) ?? ''}]`);
        at = match.index + match[0].length;
      }
    }
    const safe = final || longest === 0 ? held.length : Math.max(at, held.length - longest + 1);
    keep(held.slice(at, safe));
    held = held.slice(safe);
  }

  function take(text: string, final: boolean): void {
    const whole = unread + text;
    const cut = final ? whole.length : (BEGINNING.exec(whole)?.index ?? whole.length);
    unread = whole.slice(cut);
    const shown = whole
      .slice(0, cut)
      .replaceAll(SEQUENCE, '')
      .replaceAll(/\r\n?/g, '\n')
      .replaceAll(CONTROL, '');
    redact(shown, final);
  }

  return {
    write: (chunk) => take(decoder.write(chunk), false),
    end: () => take(decoder.end(), true),
    get head() {
      return head;
    },
    get tail() {
      return tail;
    },
    get written() {
      return written;
    },
  };
}

interface Kept {
  readonly head: string;
  readonly tail: string;
  readonly written: number;
}

/** What is kept of an output from a character on; what is not kept any more is counted. */
export function outputFrom({ head, tail, written }: Kept, from: number): string {
  const behind = written - tail.length;
  const first = head.slice(from);
  const at = Math.max(from, head.length);
  const missing = behind - at;
  const gap = missing > 0 ? `\n… ${missing} characters are left out …\n` : '';
  return `${first}${gap}${tail.slice(Math.max(0, at - behind))}`;
}

/** The last lines of an output. */
export function lastLines(kept: Kept, count: number): readonly string[] {
  return outputFrom(kept, 0)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count);
}
