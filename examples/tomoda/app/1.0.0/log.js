export function log(level, message) {
  process.stdout.write(`[${new Date().toISOString()}] tomoda | ${level} ${message}\n`);
}
