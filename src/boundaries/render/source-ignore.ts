import { getString } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { joined } from './kustomization-edit.ts';

const FILE = '.sourceignore';
const VCS = ['.git/', '.gitignore', '.gitmodules', '.gitattributes'];
/** What Flux leaves out of every artifact whose source says nothing itself. Source: fluxcd/pkg/sourceignore. */
const DEFAULTS = [
  ...['jpg', 'jpeg', 'gif', 'png', 'wmv', 'flv', 'tar.gz', 'zip'].map((extension) => `*.${extension}`),
  '.github/',
  '.circleci/',
  '.travis.yml',
  '.gitlab-ci.yml',
  'appveyor.yml',
  '.drone.yml',
  'cloudbuild.yaml',
  'codeship-services.yml',
  'codeship-steps.yml',
  '**/.goreleaser.yml',
  '**/.sops.yaml',
  '**/.flux.yaml',
];
const MAX_BYTES = 1024 * 1024;

interface Rule {
  /** Whether the rule is about the path, or about a folder that it lies in. */
  readonly matches: (path: string) => boolean;
  readonly negated: boolean;
}

function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Patterns of a source's spec.ignore; undefined where it has none. */
export function ignorePatterns(source: KubeObject | undefined): readonly string[] | undefined {
  const text = getString(source, 'spec', 'ignore');
  return text === undefined ? undefined : linesOf(text);
}

/**
 * The tree as Flux packs it: without what `.sourceignore` files and `patterns` (of spec.ignore, the last word) leave
 * out, by gitignore's rules; the last rule that is about a file decides. Folders are never left out by themselves.
 */
export function withoutIgnored(tree: FileTree, patterns: readonly string[] | undefined): FileTree {
  const files = new Map<string, Promise<readonly Rule[]>>();
  const own = (patterns ?? []).map((line) => ruleOf(line, ''));
  const vcs = VCS.map((line) => ruleOf(line, ''));
  const defaults = DEFAULTS.map((line) => ruleOf(line, ''));

  /** The rules of one folder's file. */
  function rulesIn(folder: string): Promise<readonly Rule[]> {
    const known = files.get(folder);
    if (known !== undefined) return known;
    const reading = tree
      .readFile(joined(folder, FILE))
      .then((bytes) =>
        bytes === undefined || bytes.length > MAX_BYTES
          ? []
          : linesOf(Buffer.from(bytes).toString('utf8')).map((line) => ruleOf(line, folder)),
      );
    files.set(folder, reading);
    return reading;
  }

  async function isIgnored(path: string): Promise<boolean> {
    const parts = path.split('/');
    const said: Rule[] = [];
    for (let depth = 0; depth < parts.length; depth += 1) {
      said.push(...(await rulesIn(parts.slice(0, depth).join('/'))));
    }
    said.push(...own);
    const rules = said.length === 0 ? [...vcs, ...defaults] : [...vcs, ...said];
    return rules.findLast((rule) => rule.matches(path))?.negated === false;
  }

  return {
    ...tree,
    readFile: async (path) => ((await isIgnored(path)) ? undefined : tree.readFile(path)),
    async kind(path) {
      const kind = await tree.kind(path);
      return kind === 'file' && (await isIgnored(path)) ? undefined : kind;
    },
    async list(path) {
      const kept: string[] = [];
      const names = await tree.list(path);
      if (names === undefined) return undefined;
      for (const name of names) {
        const full = joined(path, name);
        if ((await tree.kind(full)) === 'directory' || !(await isIgnored(full))) kept.push(name);
      }
      return kept;
    },
  };
}

/** One line of gitignore's kind, below `folder`. */
function ruleOf(line: string, folder: string): Rule {
  const negated = line.startsWith('!');
  const text = (negated ? line.slice(1) : line).replace(/^\\(?=[!#])/, '');
  const folderOnly = text.endsWith('/');
  const plain = text.replace(/\/+$/, '');
  const anchored = plain.includes('/');
  const pattern = new RegExp(`^${anchored ? '' : '(?:.*/)?'}${sourceOf(plain.replace(/^\//, ''))}$`);
  return {
    negated,
    matches(path) {
      if (folder !== '' && !path.startsWith(`${folder}/`)) return false;
      const parts = (folder === '' ? path : path.slice(folder.length + 1)).split('/');
      const last = folderOnly ? parts.length - 1 : parts.length;
      for (let length = 1; length <= last; length += 1) {
        if (pattern.test(parts.slice(0, length).join('/'))) return true;
      }
      return false;
    },
  };
}

function sourceOf(glob: string): string {
  let source = '';
  for (let at = 0; at < glob.length; at += 1) {
    const char = glob[at] ?? '';
    if (glob.startsWith('**/', at)) {
      source += '(?:.*/)?';
      at += 2;
    } else if (glob.startsWith('**', at)) {
      source += '.*';
      at += 1;
    } else if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '[' && glob.includes(']', at + 2)) {
      const end = glob.indexOf(']', at + 2);
      const inner = glob
        .slice(at + 1, end)
        .replaceAll('\\', '\\\\')
        .replace(/^!/, '^');
      source += `[${inner}]`;
      at = end;
    } else source += char.replaceAll(/[.+^$()|[\]\\{}]/g, String.raw`\$&`);
  }
  return source;
}
