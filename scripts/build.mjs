// Bundles the command line and the two libraries into dist/. Code splitting keeps `landfall --version` small.
import { ensureInstalled, root } from './ensure-installed.mjs';
import { rmSync, readFileSync } from 'node:fs';
import path from 'node:path';

ensureInstalled();
const { build } = await import('esbuild');
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
rmSync(path.join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: {
    landfall: 'src/cli/main.ts',
    kustomize: 'src/kustomize/index.ts',
    drydock: 'src/drydock/index.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  // Ids of chunks must not depend on where the project lies.
  chunkNames: 'chunks/[name]-[hash]',
  define: { LANDFALL_VERSION: JSON.stringify(version) },
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
