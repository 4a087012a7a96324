import { overrideList } from '../../boundaries/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import { overridePlace } from './argo-overrides.ts';
import { NAMES, sameParts, TAGS } from './chart-parts.ts';
import type { ImageChange } from './contract.ts';
import type { HelmTarget } from './helm-values.ts';
import { usesOf, type ImageUse } from './rendered-images.ts';
import type { Writing } from './writing.ts';

/** One of `helm.parameters` in a file of overrides, and the path to its value. */
interface Parameter {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

/** Places in the file of overrides that set the image of a change, each as paths of values; empty where none does. */
export async function parameterTargets(
  writing: Writing,
  change: ImageChange,
): Promise<readonly HelmTarget[]> {
  const list = await overrideList(overridePlace(writing), 'helm', 'parameters');
  if (list === undefined) return [];
  const { file } = list;
  const parameters = list.items.flatMap(parameterOf);
  // `helm template` takes them in their order, and the last of a name wins.
  const named = (name: string | undefined) => parameters.findLast((each) => each.name === name);
  const { name, tag, spec } = change.parameters ?? {};
  const whole = spec === undefined ? undefined : named(spec);
  if (whole !== undefined) return [{ kind: 'helm-values', file, spec: whole.path }];
  const tagged = tag === undefined ? undefined : named(tag);
  if (tagged !== undefined) return [targetOf(file, tagged, named(name), named(besides(tagged, 'digest')))];
  const uses = usesOf(writing.fields, change);
  return [
    ...parameters
      .filter((each) => named(each.name) === each && uses.some(({ value }) => value === each.value))
      .map(({ path }): HelmTarget => ({ kind: 'helm-values', file, spec: path })),
    ...byParts(file, parameters, named, uses),
  ];
}

/**
 * Parameters called as most charts call the parts of an image. A tag whose name the values give is taken only where
 * no other one says the same.
 */
function byParts(
  file: string,
  parameters: readonly Parameter[],
  named: (name: string) => Parameter | undefined,
  uses: readonly ImageUse[],
): readonly HelmTarget[] {
  const tags = parameters.filter(
    (each) => named(each.name) === each && TAGS.includes(each.name.slice(each.name.lastIndexOf('.') + 1)),
  );
  const found = tags.map((tag) => {
    const name = NAMES.map((leaf) => named(besides(tag, leaf))).find((each) => each !== undefined);
    const fits = uses.some(({ value }) => sameParts(value, name?.value, tag.value));
    return { tag, name, fits };
  });
  const fitting = found.filter(({ fits }) => fits);
  const whole = fitting.filter(({ name }) => name !== undefined);
  const chosen = whole.length > 0 ? whole : fitting.length === 1 ? fitting : [];
  return chosen.map(({ tag, name }) => targetOf(file, tag, name, named(besides(tag, 'digest'))));
}

function targetOf(
  file: string,
  tag: Parameter,
  name: Parameter | undefined,
  digest: Parameter | undefined,
): HelmTarget {
  return {
    kind: 'helm-values',
    file,
    tag: tag.path,
    ...(name === undefined ? {} : { name: name.path }),
    ...(digest === undefined ? {} : { digest: digest.path }),
  };
}

function parameterOf(item: YamlNode, index: number): readonly Parameter[] {
  const [name, value] = [item.get('name'), item.get('value')];
  if (name?.kind !== 'scalar' || value?.kind !== 'scalar') return [];
  return [{ name: name.value, value: value.value, path: `helm.parameters[${index}].value` }];
}

/** `image.digest` for `image.tag`. */
function besides({ name }: Parameter, leaf: string): string {
  return `${name.slice(0, name.lastIndexOf('.') + 1)}${leaf}`;
}
