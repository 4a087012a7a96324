import type { BoundaryState } from '../../boundaries/index.ts';

/** Colours that may be off: `NO_COLOR`, `TERM=dumb`, no terminal. `FORCE_COLOR` turns them on. */
export interface Style {
  readonly width: number;
  readonly green: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export function styleFor(stream: Terminal, env: NodeJS.ProcessEnv): Style {
  const forced = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0';
  const off = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  const colour = !off && (forced || stream.isTTY === true);
  const paint = (open: number, close: number) => (text: string) =>
    colour && text !== '' ? `\u001B[${open}m${text}\u001B[${close}m` : text;
  return {
    width: Math.max(60, Math.min(stream.columns ?? 100, 120)),
    green: paint(32, 39),
    red: paint(31, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
    dim: paint(2, 22),
    bold: paint(1, 22),
  };
}

const MARKS: Readonly<Record<BoundaryState, string>> = {
  proven: '✓',
  moving: '…',
  broken: '✗',
  unknown: '?',
  'not-applicable': '–',
};

/** Shape and colour of a state; the words beside it say the same. */
export function mark(style: Style, state: BoundaryState): string {
  const paint = {
    proven: style.green,
    moving: style.yellow,
    broken: style.red,
    unknown: style.yellow,
    'not-applicable': style.dim,
  }[state];
  return paint(MARKS[state]);
}

/** Breaks text at spaces so that no line is longer than `width`; a longer word keeps its line. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    lines.push(line);
  }
  return lines;
}

/** The same at the width of the terminal, moved in by `indent`. */
export function paragraph(text: string, style: Style, indent = 2): readonly string[] {
  return wrap(text, style.width - indent).map((line) => ' '.repeat(indent) + line);
}

/** `12 s`, `1 m 4 s`, `350 ms`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
}

/** Puts ISO times of today as `16:45:33Z`, others with their day: `2024-11-19 16:45:33Z`. */
export function shownTimes(text: string, now: number): string {
  const today = new Date(now).toISOString().slice(0, 10);
  return text.replaceAll(
    /\b(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?Z\b/g,
    (_match, day: string, time: string) => (day === today ? `${time}Z` : `${day} ${time}Z`),
  );
}
