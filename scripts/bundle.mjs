// How the command line and the two libraries are bundled. Code splitting keeps `landfall --version` small.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { root } from './ensure-installed.mjs';

/** Replaces `outdir` with a fresh build. */
export async function bundle(outdir) {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  rmSync(outdir, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: {
      landfall: 'src/cli/main.ts',
      kustomize: 'src/kustomize/index.ts',
      drydock: 'src/drydock/index.ts',
    },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // What loads a native library or a WebAssembly file that lies beside it stays what npm installed.
    external: ['libsql', 'jq-wasm', 'pg-native'],
    // Names stay, for stack traces; the rest of the weight is parsed at every start.
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: 'linked',
    // Ids of chunks must not depend on where the project lies.
    chunkNames: 'chunks/[name]-[hash]',
    define: { LANDFALL_VERSION: JSON.stringify(version) },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}
