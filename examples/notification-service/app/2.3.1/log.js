const lastWritten = new Map();

export function log(level, message) {
  process.stdout.write(`[${new Date().toISOString()}] notification-svc | ${level} ${message}\n`);
}

/** The same message at most once in `everyMs`, so that a busy process does not bury its own log. */
export function logSometimes(level, message, everyMs = 5000) {
  const now = Date.now();
  if (now - (lastWritten.get(message) ?? -Infinity) < everyMs) return;
  lastWritten.set(message, now);
  log(level, message);
}
