import {
  array,
  int,
  literal,
  number,
  record,
  strictObject,
  string,
  union,
  ZodArray,
  ZodExactOptional,
  ZodObject,
  ZodRecord,
  ZodUnion,
} from 'zod';
import type { core, output } from 'zod';
import { ruleProblems } from '../boundaries/index.ts';
import { LandfallError, nearest, parseYamlDocuments, yamlToJson } from '../kernel/index.ts';
import type { YamlNode } from '../kernel/index.ts';
import type { ChannelDeclaration } from '../notify/index.ts';
import type { Declared } from '../verdict/index.ts';

/** The file at a repository's root. It holds only what no other file can say. */
export const LANDFALL_FILE = 'landfall.yaml';

const name = string().min(1);
const path = string().regex(/^\/[^\s]*$/, 'a path that starts with "/" is wanted');
const metric = string().regex(/^[a-zA-Z_:][\w:]*$/, 'the name of a Prometheus metric is wanted');
const label = string().regex(/^[a-zA-Z_]\w*$/, 'the name of a Prometheus label is wanted');

const buildInfo = strictObject({
  path,
  metric,
  version: label.exactOptional(),
  commit: label.exactOptional(),
});

const errors = strictObject({
  path,
  metric,
  by: array(label).exactOptional(),
  failed: record(label, string()).refine(
    (labels) => Object.keys(labels).length > 0,
    'labels of a failed sample are wanted, such as {status: failed}',
  ),
  minimumSamples: int().min(1).exactOptional(),
  maximumIncrease: number().min(0).max(1).exactOptional(),
});

const observation = strictObject({
  service: name,
  port: union([int().min(1).max(65_535), name]),
  probe: path.exactOptional(),
  buildInfo: buildInfo.exactOptional(),
  errors: errors.exactOptional(),
}).refine(
  ({ probe, buildInfo: info, errors: rate }) => [probe, info, rate].some((part) => part !== undefined),
  "nothing is observed: give 'probe', 'buildInfo' or 'errors'",
);

const application = strictObject({
  /** What builds the image, and under which name it is pushed. */
  source: strictObject({ repository: name, image: name.exactOptional() }).exactOptional(),
  /** What users should observe, by Service of the destination namespace. */
  observe: array(observation).exactOptional(),
});

const variable = string().regex(
  /^[A-Z_][A-Z0-9_]*$/,
  'the name of an environment variable is wanted, or {file: /a/mounted/file}: what is secret is never in Git',
);
const mounted = strictObject({ file: path });
const secret = union([variable, mounted]);
const address = string().regex(
  /^(?:https?:\/\/[^\s/@]+(?:\/\S*)?|[A-Z_][A-Z0-9_]*)$/,
  'an http address without user and password is wanted, or the name of an environment variable that holds one',
);

/** Who is told of the deliveries of an environment. */
const channel = union(
  [
    strictObject({ webhook: union([address, mounted]), secret: secret.exactOptional() }),
    strictObject({ slack: secret }),
  ],
  'a channel is {webhook: ADDRESS, secret: VARIABLE} or {slack: VARIABLE}',
);

const environment = strictObject({
  name,
  applications: array(name).exactOptional(),
  notify: array(channel).exactOptional(),
});

/** How to tell the health of a kind that Landfall does not know, in CEL. */
const healthRule = strictObject({
  apiVersion: name,
  kind: name,
  /** `*` stands for any characters; left out: every object of the kind. */
  name: name.exactOptional(),
  namespace: name.exactOptional(),
  current: string(),
  inProgress: string().exactOptional(),
  failed: string().exactOptional(),
}).check((context) => {
  for (const { field, problem } of ruleProblems(context.value))
    context.issues.push({ code: 'custom', input: context.value[field], path: [field], message: problem });
});

/** A finding of `landfall check` that somebody has decided to live with: why, and until which day. */
const suppression = strictObject({
  finding: name,
  object: name.exactOptional(),
  reason: name,
  until: string().regex(/^\d{4}-\d\d-\d\d$/, 'a day such as 2026-12-31 is wanted'),
});

const landfallYaml = strictObject({
  apiVersion: literal('landfall.dev/v1'),
  applications: record(name, application).exactOptional(),
  /** In the order in which a release passes through them. */
  environments: array(environment).exactOptional(),
  /** Of several rules for an object the first counts. */
  health: array(healthRule).max(100).exactOptional(),
  check: strictObject({ suppress: array(suppression).exactOptional() }).exactOptional(),
});

export type LandfallYaml = output<typeof landfallYaml>;

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

/** What the file says of one application; nothing where there is no file or it does not name it. */
export function declarationsOf(text: string | undefined, application: string): Declared {
  if (text === undefined) return { environment: undefined, source: undefined, images: [], observe: [] };
  const file = parseLandfallYaml(text);
  const { applications = {} } = file;
  const declared = Object.hasOwn(applications, application) ? applications[application] : undefined;
  const image = declared?.source?.image;
  return {
    environment: file.environments?.find((each) => each.applications?.includes(application))?.name,
    source: declared?.source?.repository,
    images: image === undefined ? [] : [image],
    observe: declared?.observe ?? [],
    ...(file.health === undefined ? {} : { health: file.health }),
  };
}

/** Who is told of the deliveries of an environment; nobody where there is no file or it does not name it. */
export function channelsOf(
  file: LandfallYaml | undefined,
  environmentName: string | undefined,
): readonly ChannelDeclaration[] {
  return file?.environments?.find((each) => each.name === environmentName)?.notify ?? [];
}

/** The environments whose deliveries nobody is told of. A failure there would be silent. */
export function undeclaredChannels(file: LandfallYaml): readonly string[] {
  return (file.environments ?? [])
    .filter((each) => (each.notify ?? []).length === 0)
    .map((each) => each.name);
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
