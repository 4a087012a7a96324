export type LogValue = string | number | boolean | null | undefined;

/** A constant message and key/values, never a secret. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, LogValue>>): void;
  info(message: string, fields?: Readonly<Record<string, LogValue>>): void;
  warn(message: string, fields?: Readonly<Record<string, LogValue>>): void;
  error(message: string, fields?: Readonly<Record<string, LogValue>>): void;
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** One JSON object a line, as log collectors read it. `write` gets the line with its newline. */
export function jsonLogger(write: (line: string) => void, now: () => number): Logger {
  const line = (level: string, message: string, fields?: Readonly<Record<string, LogValue>>) =>
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...fields })}\n`);
  return {
    debug: () => {},
    info: (message, fields) => line('info', message, fields),
    warn: (message, fields) => line('warn', message, fields),
    error: (message, fields) => line('error', message, fields),
  };
}
