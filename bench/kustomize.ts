import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createRenderCache, folderTree, memoryTree, render } from '../src/kustomize/index.ts';
import type { RenderResult } from '../src/kustomize/index.ts';
import { sizedTree } from './kustomize-sizes.ts';
import { milliseconds } from './table.ts';

/**
 * Rendering in-process against the `kubectl kustomize` process, on the same files in the same run. The fastest of a
 * few rounds on both sides: whatever else the machine does only makes a round slower. `LANDFALL_BENCH_LARGE=1` adds
 * 3,000 resources, for which the original alone takes half a minute a run.
 */
const sizes = [1, 30, 500, 1000, ...(process.env['LANDFALL_BENCH_LARGE'] === '1' ? [3000] : [])];

const EXAMPLES = join(import.meta.dirname, '..', 'examples');

interface Row {
  readonly resources: number;
  readonly kubectl: number | undefined;
  readonly cold: number;
  readonly unchanged: number;
  readonly oneFile: number;
  readonly same: boolean | undefined;
}

/** The text is part of what is measured: it is written when it is asked for. */
async function written(result: Promise<RenderResult>): Promise<string> {
  return (await result).yaml;
}

async function timed(work: () => unknown, runs: number, warmups = 1): Promise<number> {
  const times: number[] = [];
  for (let i = -warmups; i < runs; i++) {
    const start = performance.now();
    await work();
    if (i >= 0) times.push(performance.now() - start);
  }
  return Math.min(...times);
}

async function measure(resources: number): Promise<Row> {
  const files = sizedTree(resources);
  const root = mkdtempSync(join(tmpdir(), 'landfall-bench-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    const tree = folderTree(root);
    const cold = await timed(() => written(render(tree, 'overlay')), resources > 1000 ? 3 : 7, 2);
    const cache = createRenderCache();
    await written(cache.render(tree, 'overlay'));
    const unchanged = await timed(() => written(cache.render(tree, 'overlay')), 15, 2);
    let turn = 0;
    const changed = resources === 1 ? 'base/map.yaml' : 'base/apps-0.yaml';
    const oneFile = await timed(
      () => {
        const content = (files[changed] ?? '').replace('1.0', `1.${turn}`).replace('"1"', `"${turn}"`);
        turn++;
        return written(cache.render(memoryTree({ ...files, [changed]: content }), 'overlay'));
      },
      7,
      2,
    );
    const program = () => spawnSync('kubectl', ['kustomize', join(root, 'overlay')], { maxBuffer: 1e9 });
    const first = program();
    const there = first.error === undefined && first.status === 0;
    const kubectl = there
      ? await timed(program, resources > 1000 ? 1 : resources === 1000 ? 3 : 7, 0)
      : undefined;
    const same = there ? first.stdout.toString() === (await render(tree, 'overlay')).yaml : undefined;
    return { resources, kubectl, cold, unchanged, oneFile, same };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** The overlays of the example systems, as they are. */
const LAYOUTS = [
  'payment-api/repository/apps/payment-api/overlays/staging',
  'payment-api/repository/apps/payment-api/overlays/prod',
  'notification-service/deployment/k8s/overlays/prod',
  'notification-service/deployment/k8s/platform',
] as const;

async function layout(dir: (typeof LAYOUTS)[number]): Promise<string> {
  const tree = folderTree(EXAMPLES);
  const cold = await timed(() => written(render(tree, dir)), 7, 2);
  const program = () => spawnSync('kubectl', ['kustomize', join(EXAMPLES, dir)], { maxBuffer: 1e9 });
  const first = program();
  if (first.error !== undefined || first.status !== 0)
    return `| ${dir} | ${milliseconds(cold)} | absent | | |`;
  const original = await timed(program, 7, 0);
  const same = first.stdout.toString() === (await written(render(tree, dir))) ? 'yes' : 'NO';
  return `| ${dir} | ${milliseconds(cold)} | ${milliseconds(original)} | ${(original / cold).toFixed(1)}× | ${same} |`;
}

async function provenance(): Promise<string> {
  const tree = memoryTree(sizedTree(1000));
  const rendering = await timed(() => written(render(tree, 'overlay')), 7, 2);
  const result = await render(tree, 'overlay');
  const asking = await timed(
    () => {
      let count = 0;
      for (const object of result.objects) for (const field of object.fields()) count += field.origins.length;
      return count;
    },
    7,
    1,
  );
  return `provenance of every field of 1,000 resources: ${asking.toFixed(1)} ms, ${((100 * asking) / rendering).toFixed(0)}% of rendering them`;
}

const CLI = join(import.meta.dirname, '../dist/landfall.js');

function kubectlThere(): boolean {
  return spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;
}

/** The whole program, from its start to its end, beside the original and an empty Node. */
async function commandLine(resources: number): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'landfall-bench-'));
  try {
    for (const [path, content] of Object.entries(sizedTree(resources))) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    const run = (program: string, args: readonly string[]) =>
      timed(() => spawnSync(program, args, { maxBuffer: 1e9 }), 7, 2);
    const ours = await run(process.execPath, [CLI, 'render', join(root, 'overlay')]);
    const empty = await run(process.execPath, ['-e', '0']);
    const original = await run('kubectl', ['kustomize', join(root, 'overlay')]);
    return `\`landfall render\` of ${resources} resources: ${milliseconds(ours)}; an empty Node ${milliseconds(empty)} (+${milliseconds(ours - empty)}); \`kubectl kustomize\` ${milliseconds(original)} (${(original / ours).toFixed(1)}×)`;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function memory(): Promise<string> {
  const tree = memoryTree(sizedTree(1000));
  // What the timings before have left behind is not this render's.
  globalThis.gc?.();
  const before = process.memoryUsage();
  const result = await render(tree, 'overlay');
  globalThis.gc?.();
  const after = process.memoryUsage();
  if (globalThis.gc === undefined)
    return `process: ${(after.rss / 2 ** 20).toFixed(0)} MiB (run with --expose-gc for what a render holds)`;
  const grown = (after.heapUsed - before.heapUsed) / 2 ** 20;
  return `heap held by a render of 1,000 resources with provenance (${result.objects.length} objects): ${grown.toFixed(1)} MiB`;
}

/** The table for RESULTS.md. */
export async function benchKustomize(): Promise<string> {
  const rows: Row[] = [];
  for (const size of sizes) rows.push(await measure(size));
  const layouts: string[] = [];
  for (const dir of LAYOUTS) layouts.push(await layout(dir));
  const lines = rows.map((row) => {
    const original = row.kubectl === undefined ? 'absent' : milliseconds(row.kubectl);
    const ratio = row.kubectl === undefined ? '' : `${(row.kubectl / row.cold).toFixed(1)}×`;
    const same = row.same === undefined ? '' : row.same ? 'yes' : 'NO';
    return `| ${row.resources} | ${milliseconds(row.cold)} | ${original} | ${ratio} | ${milliseconds(row.unchanged)} | ${milliseconds(row.oneFile)} | ${same} |`;
  });
  return [
    '## Rendering a kustomization',
    '',
    'In-process against the `kubectl kustomize` process, the same files, the fastest of a few rounds on both sides.',
    '',
    '| resources | cold | kubectl kustomize | ratio | unchanged | one file changed | same output |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
    '',
    '| layout of an example | cold | kubectl kustomize | ratio | same output |',
    '| --- | --- | --- | --- | --- |',
    ...layouts,
    '',
    `- ${await provenance()}`,
    `- ${await memory()}`,
    ...(existsSync(CLI) && kubectlThere()
      ? [`- ${await commandLine(1)}`, `- ${await commandLine(1000)}`]
      : []),
    `- load while this was measured: ${loadavg()[0]?.toFixed(1)} on ${cpus().length} cores; ratios are to be trusted up to about 1`,
    '',
  ].join('\n');
}

if (process.argv[1] === import.meta.filename) process.stdout.write(await benchKustomize());
