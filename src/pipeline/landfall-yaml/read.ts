import { ZodArray, ZodExactOptional, ZodObject, ZodRecord, ZodUnion } from 'zod';
import type { core } from 'zod';
import { LandfallError, nearest, parseYamlDocuments, yamlToJson } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import { LANDFALL_FILE, landfallYaml } from './schema.ts';
import type { LandfallYaml } from './schema.ts';

const SHOWN_PROBLEMS = 5;

/**
 * Reads the text of a landfall.yaml. Throws `invalid-input` that names line and column of everything that is wrong,
 * and the nearest key for one that is not known.
 */
export function parseLandfallYaml(text: string, file: string = LANDFALL_FILE): LandfallYaml {
  const [root, another] = parseYamlDocuments(text, { source: file });
  if (root === undefined || another !== undefined) {
    throw invalid(file, [`${another === undefined ? file : another.where}: one YAML document is wanted`]);
  }
  const parsed = landfallYaml.safeParse(yamlToJson(root));
  const problems = parsed.success ? [] : parsed.error.issues.flatMap((issue) => describe(issue, root));
  if (!parsed.success) throw invalid(file, problems);
  const twice = duplicates(parsed.data, root);
  if (twice.length > 0) throw invalid(file, twice);
  return parsed.data;
}

function describe(issue: core.$ZodIssue, root: YamlNode): readonly string[] {
  const node = nodeAt(root, issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(landfallYaml, issue.path);
    return issue.keys.map((key) => {
      const [near] = nearest(key, known);
      const at = node.content.find((each, index) => index % 2 === 0 && each.value === key) ?? node;
      const hint =
        near === undefined
          ? known.length === 0
            ? 'none is known here'
            : `known are ${known.join(', ')}`
          : `did you mean '${near}'?`;
      return `${at.where}: unknown key '${key}'; ${hint}`;
    });
  }
  const field = issue.path.map(String).join('.');
  const missing = issue.code === 'invalid_type' && !hasNode(root, issue.path);
  if (missing) return [`${node.where}: '${field}' is missing`];
  if (issue.code === 'invalid_value')
    return [`${node.where}: '${field}' must be ${issue.values.map(String).join(' or ')}`];
  return [`${node.where}: ${field === '' ? '' : `'${field}': `}${issue.message}`];
}

/** The node of a path, or of as much of it as is there. */
function nodeAt(root: YamlNode, steps: readonly PropertyKey[]): YamlNode {
  let node = root;
  for (const step of steps) {
    const next = child(node, step);
    if (next === undefined) break;
    node = next;
  }
  return node;
}

function hasNode(root: YamlNode, steps: readonly PropertyKey[]): boolean {
  let node: YamlNode | undefined = root;
  for (const step of steps) node = node && child(node, step);
  return node !== undefined;
}

function child(node: YamlNode, step: PropertyKey): YamlNode | undefined {
  return typeof step === 'number' ? node.content[step] : node.get(String(step));
}

/** The keys that a schema knows at a path. */
function knownKeys(schema: core.$ZodType, steps: readonly PropertyKey[]): readonly string[] {
  let at: core.$ZodType = schema;
  for (const step of steps) {
    at = unwrap(at);
    if (at instanceof ZodObject) at = (at.shape as Record<string, core.$ZodType>)[String(step)] ?? at;
    else if (at instanceof ZodArray) at = at.element;
    else if (at instanceof ZodRecord) at = at.valueType;
  }
  at = unwrap(at);
  const objects = at instanceof ZodUnion ? at.options : [at];
  return objects.flatMap((each) => (each instanceof ZodObject ? Object.keys(each.shape) : []));
}

function unwrap(schema: core.$ZodType): core.$ZodType {
  return schema instanceof ZodExactOptional ? unwrap(schema.unwrap()) : schema;
}

/** An environment, and an application's place in them, must be unambiguous. */
function duplicates(file: LandfallYaml, root: YamlNode): readonly string[] {
  const problems: string[] = [];
  const names = new Set<string>();
  const placed = new Map<string, string>();
  for (const [index, { name: given, applications = [] }] of (file.environments ?? []).entries()) {
    const where = nodeAt(root, ['environments', index, 'name']).where;
    if (names.has(given)) problems.push(`${where}: the environment '${given}' is already named above`);
    names.add(given);
    for (const [place, each] of applications.entries()) {
      const before = placed.get(each);
      if (before !== undefined) {
        problems.push(
          `${nodeAt(root, ['environments', index, 'applications', place]).where}: '${each}' is already in the environment '${before}'`,
        );
      }
      placed.set(each, given);
    }
  }
  return problems;
}

function invalid(file: string, problems: readonly string[]): LandfallError {
  const shown = problems.slice(0, SHOWN_PROBLEMS);
  const more = problems.length - shown.length;
  const [first = file] = shown;
  return new LandfallError(`${shown.join('\n')}${more > 0 ? `\nand ${more} more` : ''}`, {
    kind: 'invalid-input',
    code: 'landfall-yaml',
    object: /^\S+?:\d+:\d+/.exec(first)?.[0] ?? file,
    hint: `Mend ${file} and commit it; it is read from the tracked commit, not from a work tree.`,
  });
}
