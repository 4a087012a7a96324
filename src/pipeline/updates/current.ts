import { fullRepository, templateContainers } from '../../boundaries/index.ts';
import type { RenderedSet } from '../../boundaries/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { ImageRule } from './configuration/index.ts';

/** An image as Git asks for it, where a rule governs it. */
export interface CurrentImage {
  /** As written: `registry/app:1.2@sha256:…`. */
  readonly reference: string;
  /** Without tag and digest, as it is rendered. */
  readonly name: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /** `apps/api/deployment.yaml:12` or the object and container. */
  readonly where: string;
}

/** Takes a reference apart as it is written, whatever it is. */
export function splitImage(reference: string): Omit<CurrentImage, 'where'> {
  const at = reference.indexOf('@');
  const named = at < 0 ? reference : reference.slice(0, at);
  const digest = at < 0 ? undefined : reference.slice(at + 1);
  const colon = named.lastIndexOf(':');
  const tagged = colon > named.lastIndexOf('/');
  return {
    reference,
    name: tagged ? named.slice(0, colon) : named,
    tag: tagged ? named.slice(colon + 1) : undefined,
    digest,
  };
}

/** The images of a rendered set that a rule governs: those of its repository, or of the name that it is written with. */
export function currentIn(set: RenderedSet, rule: ImageRule): readonly CurrentImage[] {
  const wanted = new Set([rule.repository, fullRepository(rule.image)]);
  return set.objects.flatMap((facts) =>
    templateContainers(facts.object)
      .map(({ image, imagePath }) => {
        const [source] = facts.why(imagePath);
        const where = source === undefined ? facts.object.metadata.name : `${source.file}:${source.line}`;
        return { ...splitImage(image), where };
      })
      .filter(({ name }) => wanted.has(fullRepository(name))),
  );
}

const MARKER = /#\s*\{\s*"\$imagepolicy"\s*:\s*"(?<policy>[^":]+:[^":]+)(?::(?<part>tag|name|digest))?"\s*\}/;
const VALUE = /(?:^|[\s:-])(?<quote>['"]?)(?<value>[^\s'"#]+)\k<quote>\s*$/;
const FILES = 10_000;
const LARGEST = 1024 * 1024;

/** What stands at the markers of policies, by `namespace:name`; every YAML file below the folder is looked at. */
export async function currentAtMarkers(
  tree: FileTree,
  folder: string,
): Promise<ReadonlyMap<string, readonly CurrentImage[]>> {
  const found = new Map<string, CurrentImage[]>();
  for (const file of await yamlFiles(tree, folder === '.' ? '' : folder)) {
    const bytes = await tree.readFile(file);
    if (bytes === undefined || bytes.length > LARGEST) continue;
    const text = Buffer.from(bytes).toString('utf8');
    if (!text.includes('$imagepolicy')) continue;
    for (const [index, line] of text.split('\n').entries()) {
      const marker = MARKER.exec(line);
      const policy = marker?.groups?.['policy'];
      if (marker === null || policy === undefined) continue;
      const value = VALUE.exec(line.slice(0, marker.index))?.groups?.['value'] ?? '';
      const part = marker.groups?.['part'];
      const where = `${file}:${index + 1}`;
      const list = found.get(policy) ?? [];
      list.push(
        part === undefined
          ? { ...splitImage(value), where }
          : {
              reference: value,
              name: part === 'name' ? value : '',
              tag: part === 'tag' ? value : undefined,
              digest: part === 'digest' ? value : undefined,
              where,
            },
      );
      found.set(policy, list);
    }
  }
  return found;
}

async function yamlFiles(tree: FileTree, folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  const folders = [folder];
  for (let next = folders.shift(); next !== undefined; next = folders.shift()) {
    for (const name of (await tree.list(next)) ?? []) {
      const path = next === '' ? name : `${next}/${name}`;
      if (files.length + folders.length >= FILES) return files;
      if (name === '.git') continue;
      if (/\.ya?ml$/i.test(name)) files.push(path);
      // A link or a submodule that leads elsewhere is nobody's manifest here.
      else if ((await tree.kind(path).catch(() => undefined)) === 'directory') folders.push(path);
    }
  }
  return files;
}
