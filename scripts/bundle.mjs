// How the command line and the two libraries are bundled. Code splitting keeps each start small.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

/** Makes itself ready for some milliseconds when it is loaded, and hardly any command has an expression to evaluate. */
const lateExpressions = {
  name: 'late-expressions',
  setup(plugin) {
    plugin.onResolve({ filter: /^@marcbachmann\/cel-js$/ }, ({ kind, importer }) =>
      kind === 'entry-point' || importer.includes(`${path.sep}drydock${path.sep}`)
        ? undefined
        : { path: 'expressions', namespace: 'late' },
    );
    plugin.onResolve({ filter: /^\.\/expressions\.js$/, namespace: 'late' }, () => ({
      path: './expressions.js',
      external: true,
    }));
    plugin.onLoad({ filter: /./, namespace: 'late' }, () => ({
      contents: `
        let loaded;
        const expressions = () => (loaded ??= require('./expressions.js'));
        export function Environment(...args) { return new (expressions().Environment)(...args); }
        export function parse(...args) { return expressions().parse(...args); }`,
    }));
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

/** What loads a native library or a WebAssembly file that lies beside it stays what npm installed. */
const external = ['libsql', 'jq-wasm', 'pg-native'];

/** Names stay, for stack traces; the rest of the weight is parsed at every start. */
const common = {
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: 'linked',
  logLevel: 'warning',
};

/** The libraries, as modules for others to import. */
async function bundleLibraries(outdir) {
  await build({
    ...common,
    absWorkingDir: root,
    entryPoints: { kustomize: 'src/kustomize/index.ts', drydock: 'src/drydock/index.ts' },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    external,
    // Ids of chunks must not depend on where the project lies.
    chunkNames: 'chunks/[name]-[hash]',
    // What libraries in the older module format call; made at the first call, since every chunk has one.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; let __required; const require = (id) => (__required ??= __createRequire(import.meta.url))(id); require.resolve = (...args) => (__required ??= __createRequire(import.meta.url)).resolve(...args);",
    },
    plugins: [documentation],
  });
}

/** The command line: chunks that are functions, so that their compiled code can be kept, and what loads them. */
async function bundleCommandLine(outdir) {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const code = path.join(outdir, 'code');
  const modules = path.join(outdir, 'modules');
  await build({
    ...common,
    absWorkingDir: root,
    entryPoints: { process: 'src/cli/process.ts', expressions: '@marcbachmann/cel-js' },
    outdir: modules,
    bundle: true,
    splitting: true,
    format: 'esm',
    external,
    chunkNames: '[name]-[hash]',
    define: { LANDFALL_VERSION: JSON.stringify(version) },
    plugins: [noSubprograms, lateExpressions, documentation],
  });
  const names = readdirSync(modules).filter((name) => name.endsWith('.js'));
  await build({
    ...common,
    entryPoints: names.map((name) => path.join(modules, name)),
    outdir: code,
    format: 'cjs',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__meta.url', 'import.meta.dirname': '__dirname' },
    banner: { js: '(function(exports,require,module,__filename,__dirname,__meta){' },
    footer: { js: '})' },
  });
  rmSync(modules, { recursive: true });
  const digest = createHash('sha256');
  for (const name of names.toSorted()) digest.update(readFileSync(path.join(code, name)));
  await build({
    ...common,
    absWorkingDir: root,
    entryPoints: { landfall: 'src/cli/main.ts' },
    outdir,
    bundle: true,
    format: 'cjs',
    define: {
      LANDFALL_VERSION: JSON.stringify(version),
      LANDFALL_BUILD: JSON.stringify(digest.digest('hex').slice(0, 16)),
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
      'import.meta.url': '__filename',
    },
  });
}

/**
 * Replaces `outdir` with a fresh build, which is made beside it first: somebody may be running from there, or building
 * at the same time. Who comes second finds a build of the same sources.
 */
export async function bundle(outdir) {
  const draft = `${outdir}.new-${process.pid}`;
  const old = `${outdir}.old-${process.pid}`;
  try {
    const library = path.join(draft, 'library');
    await Promise.all([bundleLibraries(library), bundleCommandLine(draft)]);
    // Of this package the command line alone is no module: those take longer to start.
    writeFileSync(path.join(draft, 'package.json'), '{"type":"commonjs"}\n');
    writeFileSync(path.join(library, 'package.json'), '{"type":"module"}\n');
    for (const [from, to] of [
      [outdir, old],
      [draft, outdir],
    ])
      try {
        renameSync(from, to);
      } catch (error) {
        if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
      }
  } finally {
    for (const folder of [draft, old]) rmSync(folder, { recursive: true, force: true });
  }
}
