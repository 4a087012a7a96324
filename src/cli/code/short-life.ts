import type v8 from 'node:v8';

/** Commands that end soon and compute a lot on the way. An apply of one object takes 10 ms longer by it. */
const SHORT: ReadonlySet<string> = new Set(['render']);

/**
 * Tells the engine that this process ends soon: the optimizing compiler starts later, since for a render of a
 * thousand objects it costs more than half again of what everything else does, and is done when it is over. Large
 * renders still get there. Only for the engine of Node 20, whose flag this is; later ones have compilers between.
 * Before anything is compiled: code that was kept under other flags is refused.
 */
export function expectShortLife(command: string, requireModule: NodeJS.Require): void {
  if (!SHORT.has(command) || !process.versions.v8.startsWith('11.')) return;
  const { setFlagsFromString } = requireModule('node:v8') as typeof v8;
  setFlagsFromString('--interrupt-budget=1000000');
}
