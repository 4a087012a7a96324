/** The loop that keeps images at what their policies choose. */
export { startUpdates } from './updates.ts';
export type { Updates } from './updates.ts';
