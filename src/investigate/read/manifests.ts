import type { ClaimSource } from '../../boundaries/index.ts';
import {
  getArray,
  getObject,
  getString,
  isJsonObject,
  LandfallError,
  parseYamlDocuments,
  yamlToJson,
} from '../../kernel/index.ts';
import type { JsonObject, JsonValue, YamlNode } from '../../kernel/index.ts';
import { eventIn } from '../../verdict/index.ts';
import type { EventFact, SourceFile, WorldObject } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { outputOf, parseCommand } from './command.ts';
import { withIndentation } from './lost-indentation.ts';
import { artifactSource } from './objects.ts';

/** Characters that are parsed again and again in search of what is whole. */
const TRIED = 8_000_000;

const LIMITS = { maxReread: 0, maxDepth: 60, maxAliasNodes: 20_000 };

/** JSON that ends in the middle, closed behind its last whole value; undefined where none is whole. */
function closedJson(text: string): string | undefined {
  const open: string[] = [];
  let inString = false;
  let cut: { readonly at: number; readonly closers: string } | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (inString) {
      if (char === '\\') at += 1;
      else if (char === '"') inString = false;
      continue;
    }
    if (char === '"') inString = true;
    else if (char === '{') open.push('}');
    else if (char === '[') open.push(']');
    else if (char === '}' || char === ']') {
      if (open.pop() !== char) return undefined;
      cut = { at: at + 1, closers: open.toReversed().join('') };
    } else if (char === ',') cut = { at, closers: open.toReversed().join('') };
  }
  return open.length === 0 || cut === undefined ? undefined : text.slice(0, cut.at) + cut.closers;
}

interface Document {
  readonly node: YamlNode;
  readonly value: JsonValue;
  /** Line of the artifact that line 1 of the parsed text is. */
  readonly first: number;
}

function cite(
  artifact: string,
  { node, first }: Document,
): (path: readonly (string | number)[]) => ClaimSource {
  return (path) => {
    let at: YamlNode | undefined = node;
    let line = node.line;
    for (const step of path) {
      at = typeof step === 'string' ? at?.get(step) : at?.kind === 'seq' ? at.content[step] : undefined;
      if (at === undefined) break;
      line = at.line;
    }
    return artifactSource(artifact, first + Math.max(1, line) - 1);
  };
}

/** Text that starts like YAML or JSON: a key with a colon, a list, a brace; not a log line and not a table. */
const STARTS = /^\s*(?:---|\{|\[\s*(?:\{|"|$)|-\s+\w[\w./-]*:|["']?[A-Za-z][\w./-]*["']?:(?:\s|$))/;

function parse(
  lines: readonly TextLine[],
  artifact: string,
  change: (text: string) => string | undefined = (text) => text,
): readonly Document[] | undefined {
  const [head] = lines;
  if (head === undefined) return undefined;
  const text = change(lines.map((line) => line.text).join('\n'));
  if (text === undefined) return undefined;
  try {
    return parseYamlDocuments(text, { source: artifact, limits: LIMITS })
      .map((node) => ({ node, value: yamlToJson(node), first: head.line }))
      .filter(({ value }) => value !== null);
  } catch (thrown) {
    if (thrown instanceof LandfallError) return undefined;
    throw thrown;
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return (
    isJsonObject(value) &&
    typeof value['kind'] === 'string' &&
    (isJsonObject(value['metadata']) || Array.isArray(value['items']))
  );
}

/** What a cluster adds to an object; nobody writes these into Git. */
function isStored(value: JsonObject): boolean {
  const metadata = getObject(value, 'metadata');
  return (
    ['uid', 'resourceVersion', 'creationTimestamp', 'managedFields', 'generation'].some(
      (field) => metadata?.[field] !== undefined && metadata[field] !== null,
    ) || isJsonObject(value['status'])
  );
}

function objectsIn(
  document: Document,
  artifact: string,
  path: readonly (string | number)[] = [],
): readonly { readonly value: JsonObject; readonly at: readonly (string | number)[] }[] {
  const value = path.reduce<JsonValue | undefined>(
    (at, step) =>
      at === undefined
        ? undefined
        : isJsonObject(at)
          ? at[String(step)]
          : Array.isArray(at)
            ? at[Number(step)]
            : undefined,
    document.value,
  );
  if (value === undefined || !isObject(value)) return [];
  if (Array.isArray(value['items'])) {
    return value['items'].flatMap((_, index) => objectsIn(document, artifact, [...path, 'items', index]));
  }
  return [{ value, at: path }];
}

function worldObject(
  document: Document,
  artifact: string,
  value: JsonObject,
  at: readonly (string | number)[],
  whole: boolean,
): WorldObject {
  const cited = cite(artifact, document);
  return {
    apiVersion: getString(value, 'apiVersion'),
    kind: getString(value, 'kind') ?? '',
    namespace: getString(value, 'metadata', 'namespace'),
    name: getString(value, 'metadata', 'name') ?? '',
    value,
    whole,
    cite: (path) => cited([...at, ...path]),
  };
}

/** Keys that a kustomization has; a file may leave out kind and apiVersion. */
const KUSTOMIZATION = new Set([
  'resources',
  'bases',
  'components',
  'images',
  'patches',
  'patchesStrategicMerge',
  'patchesJson6902',
  'configMapGenerator',
  'secretGenerator',
  'namePrefix',
  'nameSuffix',
  'commonLabels',
  'replicas',
  'replacements',
]);

function fileKind(value: JsonValue, name: string, text: string): SourceFile['kind'] | undefined {
  if (isJsonObject(value)) {
    const kind = getString(value, 'kind');
    if (kind === 'Kustomization' && (getString(value, 'apiVersion') ?? 'kustomize').startsWith('kustomize'))
      return 'kustomization';
    if (
      kind === undefined &&
      Object.keys(value).some((key) => KUSTOMIZATION.has(key)) &&
      /kustomization/.test(name)
    )
      return 'kustomization';
    if (getString(value, 'apiVersion') === 'landfall.dev/v1') return 'landfall';
    if (kind === undefined && /values[\w.-]*\.ya?ml|values/i.test(name)) return 'helm-values';
    if (
      kind === undefined &&
      /(?:^|\/)(?:\.gitlab-ci|\.?circleci|azure-pipelines|bitbucket-pipelines)/.test(name)
    )
      return 'ci';
    if (
      kind === undefined &&
      (isJsonObject(value['jobs']) || Array.isArray(value['steps']) || Array.isArray(value['stages']))
    )
      return 'ci';
  }
  return /\{\{.*\}\}/.test(text) && /\.ya?ml|templates\//.test(name) ? 'helm-template' : undefined;
}

/** What an entry of a list of a kustomization may hold: at the root these are lost indentation. */
const ENTRY_KEYS: Readonly<Record<string, readonly string[]>> = {
  images: ['newTag', 'newName', 'digest'],
  replicas: ['count'],
  patches: ['patch', 'target', 'path'],
  configMapGenerator: ['literals', 'files', 'envs', 'behavior'],
};

/** Text that was pasted without its indentation puts `newTag` at the root: there it belongs to the last entry above. */
function asItWas(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  let repaired: JsonObject = value;
  for (const [list, keys] of Object.entries(ENTRY_KEYS)) {
    const entries = value[list];
    const lost = keys.filter((key) => value[key] !== undefined);
    const last = Array.isArray(entries) ? entries.at(-1) : undefined;
    if (!Array.isArray(entries) || lost.length === 0 || !isJsonObject(last)) continue;
    const belonging = Object.fromEntries(lost.map((key) => [key, value[key] ?? null]));
    const rest = Object.fromEntries(Object.entries(repaired).filter(([key]) => !lost.includes(key)));
    repaired = { ...rest, [list]: [...entries.slice(0, -1), { ...last, ...belonging }] };
  }
  return repaired;
}

/** The lines of repaired fields are those where they stand. */
function citeRepaired(
  cited: (path: readonly (string | number)[]) => ClaimSource,
  value: JsonValue,
): typeof cited {
  return (path) => {
    const last = path.at(-1);
    return typeof last === 'string' && path.length > 1 && isJsonObject(value) && value[last] !== undefined
      ? cited([last])
      : cited(path);
  };
}

/** The path that a comment, a title or a command names for what follows: `# From: k8s/overlays/prod/kustomization.yaml`. */
export function namedPath(block: Block): string {
  const texts = [block.command ?? '', block.title, ...block.lines.slice(0, 2).map(({ text }) => text)];
  for (const text of texts) {
    const found =
      /(?:^|[\s:`"'(])(?<path>(?:[\w.@-]+\/)*[\w.@-]+\.(?:ya?ml|json|tpl|toml|env|Dockerfile)|(?:[\w.-]+\/)*(?:Dockerfile|Kustomization)[\w.-]*)(?:[\s:`"')]|$)/.exec(
        text,
      )?.groups?.['path'];
    if (found !== undefined) return found;
  }
  return block.artifact;
}

/** Runs of lines that may be one YAML or JSON text. */
function candidates(lines: readonly TextLine[]): readonly (readonly TextLine[])[] {
  const found: TextLine[][] = [];
  let run: TextLine[] | undefined;
  for (const line of lines) {
    if (run === undefined) {
      if (STARTS.test(line.text) || /^\s*#/.test(line.text)) run = [line];
      continue;
    }
    run.push(line);
  }
  if (run !== undefined) found.push(run);
  return found;
}

/** Cuts what cannot be YAML off the end, so that a log or a table behind a manifest does not spoil it. */
function longest(
  lines: readonly TextLine[],
  artifact: string,
): { readonly documents: readonly Document[]; readonly used: number; readonly whole: boolean } | undefined {
  const whole = parse(lines, artifact);
  if (whole !== undefined) return { documents: whole, used: lines.length, whole: true };
  const closed = /^\s*[[{]/.test(lines[0]?.text ?? '') ? parse(lines, artifact, closedJson) : undefined;
  if (closed !== undefined) return { documents: closed, used: lines.length, whole: false };
  // Each further try reads the text again: a large one gets few.
  const size = lines.reduce((sum, { text }) => sum + text.length, 0);
  const tries = Math.max(1, Math.min(40, Math.floor(TRIED / Math.max(1, size))));
  const breaks = lines.flatMap(({ text }, index) =>
    index > 0 && (text.trim() === '' || /^(?:---|#)/.test(text)) ? [index] : [],
  );
  for (const end of breaks.toReversed().slice(0, tries)) {
    const documents = parse(lines.slice(0, end), artifact);
    if (documents !== undefined && documents.some(({ value }) => isJsonObject(value)))
      return { documents, used: end, whole: true };
  }
  // Cut off in the middle of a line or of a quoted text: what stands above is still whole.
  for (let end = lines.length - 1; end >= Math.max(3, lines.length - Math.min(12, tries)); end -= 1) {
    const documents = parse(lines.slice(0, end), artifact);
    if (documents !== undefined && documents.some(({ value }) => isJsonObject(value)))
      return { documents, used: lines.length, whole: false };
  }
  return undefined;
}

/** Manifests in one block, parted by what others read before. */
const MOST_PARTS = 4;

/** Kubernetes objects, kustomizations, values and the like, as YAML or JSON: stored ones are live, others are Git's. */
export function readManifests(block: Block): Reading | undefined {
  const first = readFirst(block);
  if (first === undefined) return undefined;
  let { facts, rest } = first;
  for (let part = 1; part < MOST_PARTS && rest.length > 0; part += 1) {
    const next = readFirst({ ...block, lines: rest });
    if (next === undefined) break;
    const join = <K extends 'live' | 'desired' | 'files' | 'events'>(key: K) => [
      ...(facts[key] ?? []),
      ...(next.facts[key] ?? []),
    ];
    facts = {
      live: join('live'),
      desired: join('desired'),
      files: join('files'),
      events: join('events'),
    };
    rest = next.rest;
  }
  return { facts, rest };
}

/** The first manifest of a block, or several that stand together. */
function readFirst(block: Block): Reading | undefined {
  const [run] = candidates(block.lines);
  if (run === undefined) return undefined;
  const lines = withIndentation(run) ?? run;
  const found = longest(lines, block.artifact);
  if (found === undefined) return undefined;
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  const fromCluster =
    command !== undefined &&
    /^(?:kubectl|oc)$/.test(command.program) &&
    command.words[0] === 'get' &&
    /^(?:yaml|json)$/.test(outputOf(command));
  const events: EventFact[] = [];
  const live: WorldObject[] = [];
  const desired: WorldObject[] = [];
  const files: SourceFile[] = [];
  const path = namedPath(block);
  const text = lines
    .slice(0, found.used)
    .map((line) => line.text)
    .join('\n');
  let understood = false;
  for (const document of found.documents) {
    const kind = fileKind(document.value, path, text);
    if (kind !== undefined) {
      const plain = cite(block.artifact, document);
      const cited = kind === 'kustomization' ? citeRepaired(plain, document.value) : plain;
      const value = kind === 'kustomization' ? asItWas(document.value) : document.value;
      files.push({ path, kind, value, text, cite: cited, source: cited([]) });
      understood = true;
      continue;
    }
    for (const { value, at } of objectsIn(document, block.artifact)) {
      understood = true;
      const cited = cite(block.artifact, document);
      const event = value['kind'] === 'Event' ? eventIn(value, cited([...at, 'message'])) : undefined;
      if (event !== undefined) {
        events.push(event);
        continue;
      }
      (fromCluster || isStored(value) ? live : desired).push(
        worldObject(document, block.artifact, value, at, found.whole),
      );
    }
    if (
      isJsonObject(document.value) &&
      getArray(document.value, 'items').length === 0 &&
      getString(document.value, 'kind')?.endsWith('List') === true
    )
      understood = true;
  }
  if (!understood) return undefined;
  const last = lines[found.used - 1]?.line ?? 0;
  const before = lines[0]?.line ?? 0;
  return {
    facts: { live, desired, files, events },
    rest: block.lines.filter(({ line, text: each }) => (line < before || line > last) && each.trim() !== ''),
  };
}
