import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  LandfallError,
  YamlNode,
  parseYamlSource,
  runProgram,
  stringifyYaml,
  tags,
  yamlToExact,
} from '../../kernel/index.ts';
import type { Fields } from '../decode.ts';
import { decodeText, loadObjects, sourceOf } from '../load-objects.ts';
import type { Loader } from '../loader.ts';
import { joinPath } from '../origin.ts';
import { markTree } from '../nodes.ts';
import { strategicMerge } from '../merge.ts';
import type { PluginHelp } from '../plugins.ts';
import { Resource } from '../resource.ts';
import { OpenApi } from '../schema/openapi.ts';

/** How charts are rendered, where that is allowed. */
export interface HelmRunner {
  /** The program. Default `helm`. */
  readonly command: string;
  readonly kubeVersion?: string;
  readonly apiVersions?: readonly string[];
  readonly debug?: boolean;
  readonly signal?: AbortSignal;
}

const limits = { files: 5_000, bytes: 64 * 1024 * 1024 };

/**
 * The objects of a chart, rendered by the `helm` program in a folder of its own.
 * Source: plugin/builtin/helmchartinflationgenerator.
 */
export async function generateHelm(
  chart: Fields,
  globals: Fields | undefined,
  help: PluginHelp,
): Promise<Resource[]> {
  const { helm, loader, context } = help;
  const { where } = chart.node;
  if (helm === undefined) {
    throw refuse(
      where,
      'must specify --enable-helm: a chart is rendered by the helm program, and that is not enabled',
      'helm-disabled',
      'Enable helm, or put the rendered manifests into the repository.',
    );
  }
  const name = chart.text('name');
  if (name === '') throw refuse(where, 'chart name cannot be empty', 'helm-chart');
  const folder = await mkdtemp(join(tmpdir(), 'landfall-helm-'));
  try {
    const run = async (args: readonly string[]) => {
      const result = await runProgram(helm.command, args, {
        cwd: folder,
        env: {
          ...process.env,
          HELM_CONFIG_HOME: join(folder, 'helm'),
          HELM_CACHE_HOME: join(folder, 'helm/.cache'),
          HELM_DATA_HOME: join(folder, 'helm/.data'),
        },
        ...(helm.signal === undefined ? {} : { signal: helm.signal }),
      });
      if (result.code === 0) return result.stdout;
      throw refuse(
        where,
        `unable to run: '${helm.command} ${args[0] ?? ''}' for the chart ${name}: ${result.stderr.trim()}`,
        'helm-failed',
      );
    };
    await requireVersion3(run, where);
    const work: Work = { chart, globals, loader, folder, name, run, where };
    const charts = await prepareChart(work);
    const args = await templateArgs(work, charts, helm);
    const text = decodeText(await run(args), `helm template ${name}`);
    const source = sourceOf(chart.node.source?.name ?? `helm template ${name}`, text);
    return loadObjects(source).map((node) => {
      pin(node, chart.node);
      return new Resource(markTree(node, 'helm'), context);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Work {
  readonly chart: Fields;
  readonly globals: Fields | undefined;
  readonly loader: Loader;
  readonly folder: string;
  readonly name: string;
  readonly where: string;
  readonly run: (args: readonly string[]) => Promise<Buffer>;
}

/** Helm says nothing about lines: everything points to the chart's entry. */
function pin(node: YamlNode, at: YamlNode): void {
  node.source = at.source;
  node.offset = at.offset;
  for (const child of node.content) pin(child, at);
}

async function requireVersion3(run: Work['run'], where: string): Promise<void> {
  const text = (await run(['version', '-c', '--short'])).toString('utf8');
  const version = /v?(\d+)(?:\.\d+)+/.exec(text);
  if (version === null) throw refuse(where, `cannot find version string in ${text.trim()}`, 'helm-version');
  if (version[1] !== '3')
    throw refuse(where, `this plugin requires helm V3 but got ${version[0]}`, 'helm-version');
}

function chartHome(work: Work): string {
  return work.chart.text('chartHome') || work.globals?.text('chartHome') || 'charts';
}

/** Copies the chart out of the tree, or pulls it. Gives the folder that holds it. */
async function prepareChart(work: Work): Promise<string> {
  const { chart, folder, loader, name, run, where } = work;
  const version = chart.text('version');
  const repo = chart.text('repo');
  const home = chartHome(work);
  const inTree = joinPath(loader.root, version !== '' && repo !== '' ? `${home}/${name}-${version}` : home);
  const charts = join(folder, 'charts');
  if ((await loader.tree.kind(joinPath(inTree, name))) === 'directory') {
    await copyOut(loader, joinPath(inTree, name), join(charts, name), { files: 0, bytes: 0 });
    return charts;
  }
  if (repo === '') {
    throw refuse(
      where,
      `no repo specified for pull, no chart found at '${loader.show(joinPath(inTree, name))}'`,
      'helm-chart',
    );
  }
  const args = ['pull', '--untar', '--untardir', charts];
  if (repo.startsWith('oci://')) args.push(`${repo.replace(/\/$/, '')}/${name}`);
  else args.push('--repo', repo, name);
  if (version !== '') args.push('--version', version);
  await run(args);
  return charts;
}

async function copyOut(
  loader: Loader,
  from: string,
  to: string,
  sum: { files: number; bytes: number },
): Promise<void> {
  const names = await loader.tree.list?.(from);
  if (names === undefined)
    throw refuse(from, 'the chart cannot be listed in this kind of tree', 'helm-chart');
  await mkdir(to, { recursive: true });
  for (const name of names) {
    const path = `${from}/${name}`;
    if ((await loader.tree.kind(path)) === 'directory') {
      await copyOut(loader, path, join(to, name), sum);
      continue;
    }
    const content = await loader.tree.readFile(path);
    if (content === undefined) continue;
    sum.files++;
    sum.bytes += content.length;
    if (sum.files > limits.files || sum.bytes > limits.bytes) {
      throw refuse(
        from,
        `the chart has more than ${limits.files} files or ${limits.bytes} bytes`,
        'helm-chart',
      );
    }
    await writeFile(join(to, name), content);
  }
}

async function templateArgs(work: Work, charts: string, helm: HelmRunner): Promise<string[]> {
  const { chart, name } = work;
  const args = ['template'];
  const releaseName = chart.text('releaseName');
  if (releaseName !== '') args.push(releaseName);
  else if (chart.text('nameTemplate') === '') args.push('--generate-name');
  const template = chart.text('nameTemplate');
  if (template !== '') args.push('--name-template', template);
  if (name !== '') args.push(join(charts, name));
  const namespace = chart.text('namespace');
  if (namespace !== '') args.push('--namespace', namespace);
  args.push('-f', await valuesFile(work, charts));
  for (const file of chart.texts('additionalValuesFiles')) {
    args.push(
      '-f',
      await keepFile(work, `additional-${args.length}.yaml`, await work.loader.bytes(file.text)),
    );
  }
  const apiVersions = helm.apiVersions ?? chart.texts('apiVersions').map((each) => each.text);
  for (const version of apiVersions) args.push('--api-versions', version);
  const kubeVersion = helm.kubeVersion ?? chart.text('kubeVersion');
  if (kubeVersion !== '') args.push('--kube-version', kubeVersion);
  if (chart.flag('includeCRDs')) args.push('--include-crds');
  if (chart.flag('skipTests')) args.push('--skip-tests');
  if (chart.flag('skipHooks')) args.push('--no-hooks');
  if (helm.debug === true || chart.flag('debug')) args.push('--debug');
  return args;
}

async function keepFile(work: Work, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(work.folder, 'values', name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** The chart's own values or the given file, merged with what stands in the kustomization. */
async function valuesFile(work: Work, charts: string): Promise<string> {
  const { chart, loader, name } = work;
  const given = chart.text('valuesFile');
  const mode = chart.text('valuesMerge') || 'override';
  if (mode !== 'merge' && mode !== 'override' && mode !== 'replace') {
    throw refuse(work.where, 'valuesMerge must be one of [merge override replace]', 'helm-values');
  }
  const inline = chart.at('valuesInline');
  const file = given === '' ? join(charts, name, 'values.yaml') : undefined;
  if (inline === undefined) {
    return file ?? keepFile(work, `${name}-kustomize-values.yaml`, await loader.bytes(given));
  }
  if (mode === 'replace')
    return keepFile(work, `${name}-kustomize-values.yaml`, stringifyYaml(yamlToExact(inline)));
  const own =
    given === ''
      ? joinPath(joinPath(loader.root, chartHome(work)), `${name}/values.yaml`)
      : joinPath(loader.root, given);
  const bytes = (await loader.tree.readFile(own)) ?? new Uint8Array();
  const [document] = parseYamlSource(sourceOf(loader.show(own), decodeText(bytes, own)), {
    words: 'yaml-1.1',
  });
  const base = document ?? new YamlNode('map', tags.map, '', 'block');
  const options = { openapi: new OpenApi() };
  const merged =
    mode === 'override'
      ? strategicMerge(base, inline.clone(), options)
      : strategicMerge(inline.clone(), base, options);
  return keepFile(
    work,
    `${name}-kustomize-values.yaml`,
    merged === undefined ? '{}\n' : stringifyYaml(yamlToExact(merged)),
  );
}

function refuse(where: string, problem: string, code: string, hint?: string): LandfallError {
  return new LandfallError(`${where}: ${problem}`, {
    kind: code === 'helm-disabled' ? 'denied' : 'invalid-input',
    code,
    object: where,
    ...(hint === undefined ? {} : { hint }),
  });
}
