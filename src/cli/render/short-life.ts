import { setFlagsFromString } from 'node:v8';

/**
 * Tells the engine that this process ends soon: the optimizing compiler starts later, since for a render of a
 * thousand objects it costs more than half again of what everything else does, and is done when it is over. Large
 * renders still get there. Only for the engine of Node 20, whose flag this is; later ones have compilers between.
 */
export function expectShortLife(): void {
  if (process.versions.v8.startsWith('11.')) setFlagsFromString('--interrupt-budget=1000000');
}
