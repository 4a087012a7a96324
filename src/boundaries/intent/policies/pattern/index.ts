export { compilePattern, expandTemplate } from './pattern.ts';
export type { Match, Pattern } from './pattern.ts';
