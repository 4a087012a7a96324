import { existsSync } from 'node:fs';
import path from 'node:path';
import { readTexts, type ApiTexts } from './packages.ts';

function nearestModules(folder: string): string {
  const modules = path.join(folder, 'node_modules');
  if (existsSync(path.join(modules, 'kubernetes-models'))) return modules;
  const above = path.dirname(folder);
  if (above === folder) {
    throw new Error(
      `Reading the documentation of the Kubernetes API found no node_modules with kubernetes-models above ${import.meta.dirname}; run npm ci in the project.`,
    );
  }
  return nearestModules(above);
}

/**
 * The texts, read from the installed packages: what runs from source does. The build puts a module in this one's place
 * that has them inside, so that what is built needs no package.
 */
export function installedTexts(): ApiTexts {
  return readTexts(nearestModules(import.meta.dirname));
}
