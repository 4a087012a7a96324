import { LandfallError } from '../kernel/index.ts';
import type { YamlNode } from '../kernel/index.ts';
import { expectKind, isNullOrMissing } from './nodes.ts';

/**
 * The one node a path leads to: fields, `[name=value]`, indexes, and `-` for the last item. Undefined where there is
 * none, or a null on the way. `cause` is the line that names the path, for messages.
 * Source: PathGetter of kyaml's fns.go.
 */
export function lookupPath(object: YamlNode, path: readonly string[], cause: YamlNode): YamlNode | undefined {
  let at: YamlNode | undefined = object;
  for (const raw of path) {
    const step = raw.trim();
    if (step === '') continue;
    if (isNullOrMissing(at)) return undefined;
    at = next(at, step, cause);
  }
  return at;
}

function next(at: YamlNode | undefined, step: string, cause: YamlNode): YamlNode | undefined {
  if (/^[+-]?\d+$/.test(step)) {
    const index = Number(step);
    if (index < 0) throw refuse(cause, `array index ${index} cannot be negative`);
    expectKind(at, 'seq');
    return at?.content[index];
  }
  if (step === '-') {
    expectKind(at, 'seq');
    return at?.content.at(-1);
  }
  if (step === '*') throw refuse(cause, 'wildcard is not supported in PathGetter');
  if (step.startsWith('[') && step.endsWith(']')) return item(at, step, cause);
  expectKind(at, 'map');
  return at?.get(step);
}

function item(at: YamlNode | undefined, step: string, cause: YamlNode): YamlNode | undefined {
  const inner = step.slice(1, -1);
  const cut = inner.indexOf('=');
  if (cut < 0) {
    throw refuse(cause, `list path element must contain fieldName=fieldValue for element to match: ${step}`);
  }
  const [key, value] = [inner.slice(0, cut), inner.slice(cut + 1)];
  expectKind(at, 'seq');
  return at?.content.find((each) =>
    key === '' ? each.value === value : each.kind === 'map' && each.get(key)?.value === value,
  );
}

function refuse(cause: YamlNode, problem: string): LandfallError {
  return new LandfallError(`${cause.where}: ${problem}`, {
    kind: 'invalid-input',
    code: 'path-invalid',
    object: cause.where,
  });
}
