import { wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';
import type { LaidOutEnvironment } from './layout.ts';

function pairs(map: Readonly<Record<string, string>>): string {
  return Object.entries(map)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

function shortNames(files: readonly string[], folder: string): string {
  return files
    .map((file) => (folder !== '.' && file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file))
    .join(', ');
}

/** Text behind a first part, its further lines below where it began. */
function hung(first: string, text: string, indent: number, width: number): readonly string[] {
  return wrap(text, width - indent).map(
    (line, index) => `${index === 0 ? first : ' '.repeat(indent)}${line}`,
  );
}

function lines(environment: LaidOutEnvironment, style: Style): readonly string[] {
  const { path, own, shared, registration, workloads, services, failure } = environment;
  const head = `${style.bold(environment.environment)}   ${path}${environment.namespace === undefined ? '' : `   → namespace ${environment.namespace}`}`;
  if (failure !== undefined)
    return [head, ...hung(`  ${style.red('✗')} `, `does not render: ${failure}`, 4, style.width)];
  const others = [...new Set(shared.flatMap((file) => file.with))];
  return [
    head,
    ...hung(
      '  environment   ',
      own.length === 0 ? 'nothing of its own' : shortNames(own, path),
      16,
      style.width,
    ),
    ...shared.map(
      ({ file }, index) =>
        `  ${(index === 0 ? 'base' : '').padEnd(14)}${file}${index === 0 && others.length > 0 ? style.dim(`   shared with ${others.join(', ')}`) : ''}`,
    ),
    registration === undefined
      ? `  registration  ${style.yellow('none found')}: nothing in this repository hands it to a controller`
      : `  registration  ${registration}`,
    ...workloads.map(({ object, replicas, images, labels }) =>
      [
        `  ${object}`,
        ...(replicas === undefined ? [] : [`${replicas} replica${replicas === 1 ? '' : 's'}`]),
        images.join(', '),
        ...(Object.keys(labels).length === 0 ? [] : [style.dim(pairs(labels))]),
      ].join('   '),
    ),
    ...services.map(({ object, selector, reaches }) =>
      reaches.length === 0
        ? `  ${object}   selects ${pairs(selector)}   ${style.red('✗ no pod that is rendered here')}`
        : `  ${object}   selects ${pairs(selector)}   ${style.green('✓')} ${reaches.join(', ')}`,
    ),
  ];
}

/** Each environment: its own files, what it shares and with whom, where it is registered, and what it asks for. */
export function renderLayout(
  root: string,
  environments: readonly LaidOutEnvironment[],
  style: Style,
): string {
  if (environments.length === 0)
    return `no environment in ${root}: no kustomization there renders an object\n`;
  const count = environments.length === 1 ? '1 environment' : `${environments.length} environments`;
  return `${[`${count} in ${root}`, ...environments.flatMap((environment) => ['', ...lines(environment, style)])].join('\n')}\n`;
}
