// How the command line and the two libraries are bundled. Code splitting keeps `landfall --version` small.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { root } from './ensure-installed.mjs';

/** The command parser can run commands that are programs of their own; there are none, and what starts them loads slowly. */
const noSubprograms = {
  name: 'no-subprograms',
  setup(plugin) {
    plugin.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes(`${path.sep}commander${path.sep}`)
        ? { path: 'child_process', namespace: 'absent' }
        : undefined,
    );
    plugin.onLoad({ filter: /./, namespace: 'absent' }, () => ({ contents: 'export default {};' }));
  },
};

/** Runs the reader of Kubernetes' documentation now, so that what is built has the texts and needs no package. */
const documentation = {
  name: 'documentation',
  setup(plugin) {
    plugin.onLoad({ filter: /openapi[/\\]texts[/\\]installed\.ts$/ }, async ({ path: file }) => {
      const { outputFiles } = await build({
        entryPoints: [path.join(path.dirname(file), 'packages.ts')],
        bundle: true,
        write: false,
        format: 'esm',
        platform: 'node',
        target: 'node20',
      });
      const reader = await import(
        `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
      );
      const texts = JSON.stringify(reader.readTexts(path.join(root, 'node_modules')));
      // Parsed as JSON when it is asked for: faster than the same as a literal, and nothing to minify.
      return {
        contents: `export const installedTexts = () => JSON.parse(${JSON.stringify(texts)});`,
        loader: 'js',
      };
    });
  },
};

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
    // What libraries in the older module format call; made at the first call, since every chunk has one.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; let __required; const require = (id) => (__required ??= __createRequire(import.meta.url))(id); require.resolve = (...args) => (__required ??= __createRequire(import.meta.url)).resolve(...args);",
    },
    plugins: [noSubprograms, documentation],
    logLevel: 'warning',
  });
}
