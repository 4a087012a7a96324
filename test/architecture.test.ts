import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');
const src = path.join(root, 'src');

/**
 * Which part may import which. A part is a folder right below src/. Nothing else is allowed; a part may always import
 * itself.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  git: ['kernel'],
  oci: ['kernel'],
  kube: ['kernel'],
  kustomize: ['kernel'],
  drydock: ['kernel'],
  boundaries: ['kernel', 'git', 'oci', 'kube', 'kustomize'],
  verdict: ['kernel', 'git', 'oci', 'kube', 'kustomize', 'boundaries'],
  ledger: ['kernel', 'kube', 'boundaries', 'verdict'],
  notify: ['kernel', 'verdict', 'ledger'],
  investigate: ['kernel', 'oci', 'kube', 'kustomize', 'boundaries', 'verdict'],
  apply: ['kernel', 'git', 'oci', 'kube', 'kustomize', 'boundaries', 'verdict', 'ledger'],
  pipeline: ['kernel', 'git', 'oci', 'kube', 'kustomize', 'boundaries', 'verdict', 'ledger', 'notify'],
  controller: [
    'kernel',
    'git',
    'oci',
    'kube',
    'kustomize',
    'boundaries',
    'verdict',
    'ledger',
    'notify',
    'investigate',
    'apply',
    'pipeline',
  ],
  server: ['kernel', 'kube', 'boundaries', 'verdict', 'pipeline', 'controller', 'ledger'],
  console: [],
  cli: [
    'kernel',
    'git',
    'oci',
    'kube',
    'kustomize',
    'boundaries',
    'verdict',
    'ledger',
    'notify',
    'investigate',
    'apply',
    'pipeline',
    'controller',
    'server',
    'drydock',
  ],
};

/** Files of the CLI that start an embedded cluster; nothing else of the product may know Drydock. */
const MAY_START_DRYDOCK = /^src\/cli\/(?:cluster|demo)(?:\/|[a-z-]*\.ts$)/;

/** Parts and files that decide and never act: no file system, no network, no processes. */
const PURE = [
  /^src\/boundaries\/[a-z-]+\/decide(?:-[a-z-]+)?\.ts$/,
  /^src\/boundaries\/[a-z-]+\.ts$/,
  /^src\/boundaries\/intent\/policies\//,
  /^src\/verdict\/(?:findings|claims)\//,
];
const IMPURE_MODULES = new Set([
  'node:fs',
  'node:fs/promises',
  'node:net',
  'node:http',
  'node:https',
  'node:child_process',
  'node:tls',
  'node:dgram',
]);

interface Import {
  readonly file: string;
  readonly line: number;
  readonly target: string;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .toSorted();
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} does not parse: ${errors[0]?.message ?? ''}`);
  const at = (offset: number) => text.slice(0, offset).split('\n').length;
  const relative = path.relative(root, file);
  const found: Import[] = [];
  for (const entry of module.staticImports) {
    found.push({ file: relative, line: at(entry.start), target: entry.moduleRequest.value });
  }
  for (const entry of module.staticExports) {
    for (const item of entry.entries) {
      if (item.moduleRequest)
        found.push({ file: relative, line: at(entry.start), target: item.moduleRequest.value });
    }
  }
  for (const entry of module.dynamicImports) {
    const request = text.slice(entry.moduleRequest.start, entry.moduleRequest.end);
    const literal = /^['"`](.*)['"`]$/.exec(request);
    if (literal?.[1] !== undefined) found.push({ file: relative, line: at(entry.start), target: literal[1] });
  }
  // `import('x').T` in a type position is no import for the module record.
  for (const match of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)\s*\./g)) {
    found.push({ file: relative, line: at(match.index), target: match[1] ?? '' });
  }
  return found;
}

function partOf(relative: string): string | undefined {
  return /^src\/([^/]+)\//.exec(relative)?.[1];
}

function resolved(entry: Import): string | undefined {
  if (!entry.target.startsWith('.')) return undefined;
  return path.relative(root, path.resolve(root, path.dirname(entry.file), entry.target));
}

const files = sourceFiles(src);
const imports = files.flatMap(importsOf);

function violations(list: readonly Import[], rule: (entry: Import) => string | undefined): string[] {
  return list.flatMap((entry) => {
    const problem = rule(entry);
    return problem === undefined ? [] : [`${entry.file}:${entry.line} ${problem}`];
  });
}

describe('architecture', () => {
  it('finds the source files and their imports, or every other rule would pass for want of material', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(imports.length).toBeGreaterThan(50);
  });

  it('lets a part import only the parts below it', () => {
    const wrong = violations(imports, (entry) => {
      const from = partOf(entry.file);
      const target = resolved(entry);
      if (from === undefined || target === undefined) return undefined;
      const to = partOf(target);
      // The demo plays on an example; nothing else of the product knows one.
      if (to === undefined)
        return entry.file.includes('.test.') ||
          (entry.file.startsWith('src/cli/demo/') && target.startsWith('examples/'))
          ? undefined
          : `leaves src/ for ${target}`;
      if (to === from) return undefined;
      // A test may use an embedded cluster or registry: that is what Drydock is for.
      if (entry.file.endsWith('.test.ts') && to === 'drydock') return undefined;
      return ALLOWED[from]?.includes(to) ? undefined : `imports ${to}, which is not below ${from}`;
    });
    expect(wrong).toEqual([]);
  });

  it('knows every folder below src/', () => {
    const parts = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(parts.map((part) => part.name).filter((name) => !(name in ALLOWED))).toEqual([]);
  });

  it('enters another part only by its index.ts', () => {
    const wrong = violations(imports, (entry) => {
      const target = resolved(entry);
      if (target === undefined || entry.file.endsWith('.test.ts')) return undefined;
      const from = partOf(entry.file);
      const to = partOf(target);
      if (to === undefined || to === from) return undefined;
      return path.basename(target) === 'index.ts' ? undefined : `goes past the index.ts of ${to}: ${target}`;
    });
    expect(wrong).toEqual([]);
  });

  it('keeps Drydock behind the commands that start it', () => {
    const wrong = violations(imports, (entry) => {
      const target = resolved(entry);
      if (target === undefined || entry.file.endsWith('.test.ts')) return undefined;
      if (partOf(target) !== 'drydock' || partOf(entry.file) === 'drydock') return undefined;
      return MAY_START_DRYDOCK.test(entry.file)
        ? undefined
        : 'starts Drydock, which only its own commands may do';
    });
    expect(wrong).toEqual([]);
  });

  it('keeps what decides free of files, processes and the network', () => {
    const wrong = violations(imports, (entry) => {
      if (!PURE.some((pattern) => pattern.test(entry.file)) || entry.file.endsWith('.test.ts'))
        return undefined;
      return IMPURE_MODULES.has(entry.target) ? `is declared pure and imports ${entry.target}` : undefined;
    });
    expect(wrong).toEqual([]);
  });

  it('takes process from where it is: to import it opens stdin, which then no longer waits for who reads it', () => {
    expect(
      violations(imports, ({ target }) => (target === 'node:process' ? 'imports node:process' : undefined)),
    ).toEqual([]);
  });

  it('has no cycle between parts', () => {
    const edges = new Map<string, Set<string>>();
    for (const entry of imports) {
      const target = resolved(entry);
      const from = partOf(entry.file);
      const to = target === undefined ? undefined : partOf(target);
      if (from === undefined || to === undefined || from === to || entry.file.endsWith('.test.ts')) continue;
      const known = edges.get(from) ?? new Set();
      known.add(to);
      edges.set(from, known);
    }
    const cycle = (part: string, trail: readonly string[]): string[] | undefined => {
      if (trail.includes(part)) return [...trail, part];
      for (const next of edges.get(part) ?? []) {
        const found = cycle(next, [...trail, part]);
        if (found) return found;
      }
      return undefined;
    };
    for (const part of edges.keys()) expect(cycle(part, [])).toBeUndefined();
  });

  it('never exports everything, and never by default', () => {
    const wrong = files.flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      const { module } = parseSync(file, text);
      return module.staticExports.flatMap((entry) =>
        entry.entries
          .filter(
            (item) =>
              item.importName.kind === 'AllButDefault' ||
              item.importName.kind === 'All' ||
              item.exportName.kind === 'Default',
          )
          .map(() => `${path.relative(root, file)}: export * or default`),
      );
    });
    expect(wrong).toEqual([]);
  });
});
