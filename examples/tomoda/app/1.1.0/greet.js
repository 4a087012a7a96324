const GREETINGS = new Map([
  ['en', 'Hello'],
  ['de', 'Hallo'],
  ['es', 'Hola'],
  ['ja', 'こんにちは'],
]);

/** A greeting for one friend, in the first of their languages that is known: an `Accept-Language` header. */
export function greet({ name, languages = '' }) {
  const known = languages
    .split(',')
    .map((entry) => entry.trim().toLowerCase().split(/[-;]/)[0])
    .find((language) => GREETINGS.has(language));
  return `${GREETINGS.get(known ?? 'en')}, ${name}`;
}
