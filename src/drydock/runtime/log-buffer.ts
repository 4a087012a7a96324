export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly text: string;
}

export interface LogReadOptions {
  readonly tailLines?: number;
  readonly sinceMs?: number;
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
  readonly follow?: boolean;
}

export interface LogBuffer {
  write(chunk: Buffer): void;
  /** No more will come: a partial last line becomes a line, followers end. */
  end(): void;
  /** What is kept, then with `follow` what comes, until the end or the abort. */
  read(options: LogReadOptions, signal: AbortSignal): AsyncIterable<string>;
  text(): string;
}

const LONGEST_LINE = 16 * 1024;

/** The output of one run of a container, bounded: the oldest lines go first. A slow reader skips, it never holds. */
export function logBuffer(now: () => number, maxBytes = 2 * 1024 * 1024): LogBuffer {
  const lines: LogLine[] = [];
  let first = 0;
  let bytes = 0;
  let partial = '';
  let ended = false;
  const waiting = new Set<() => void>();
  const decoder = new TextDecoder();

  function push(text: string): void {
    lines.push({ at: now(), text });
    bytes += text.length + 1;
    let drop = 0;
    while (bytes > maxBytes && drop < lines.length - 1) {
      bytes -= (lines[drop]?.text.length ?? 0) + 1;
      drop++;
    }
    if (drop > 0) {
      lines.splice(0, drop);
      first += drop;
    }
  }

  function wake(): void {
    for (const callback of waiting) callback();
  }

  function take(text: string): void {
    const parts = (partial + text).split('\n');
    partial = parts.pop() ?? '';
    for (const part of parts) push(part.slice(0, LONGEST_LINE));
    while (partial.length > LONGEST_LINE) {
      push(partial.slice(0, LONGEST_LINE));
      partial = partial.slice(LONGEST_LINE);
    }
  }

  function changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async function* read(options: LogReadOptions, signal: AbortSignal): AsyncGenerator<string> {
    let next = first;
    if (options.tailLines !== undefined) next = Math.max(next, first + lines.length - options.tailLines);
    let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
    while (!signal.aborted && left > 0) {
      next = Math.max(next, first);
      const batch = lines.slice(next - first);
      next = first + lines.length;
      for (const line of batch) {
        if (options.sinceMs !== undefined && line.at < options.sinceMs) continue;
        const text = `${options.timestamps === true ? `${nanoTimestamp(line.at)} ` : ''}${line.text}\n`;
        const bytes = Buffer.from(text);
        yield bytes.length > left ? bytes.subarray(0, left).toString() : text;
        left -= bytes.length;
        if (left <= 0 || signal.aborted) return;
      }
      if (next < first + lines.length) continue;
      if (ended || options.follow !== true) return;
      await changed(signal);
    }
  }

  return {
    write(chunk) {
      take(decoder.decode(chunk, { stream: true }));
      wake();
    },
    end() {
      if (ended) return;
      take(decoder.decode());
      if (partial !== '') push(partial);
      partial = '';
      ended = true;
      wake();
    },
    read,
    text: () => lines.map(({ text }) => `${text}\n`).join('') + partial,
  };
}

function nanoTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000000Z`;
}
