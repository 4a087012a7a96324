/** A greeting for one friend. */
export function greet({ name }) {
  return `Hello, ${name}`;
}
