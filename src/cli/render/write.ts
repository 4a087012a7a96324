import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RenderedObject, RenderResult } from '../../kustomize/index.ts';

function fileOf(object: RenderedObject, severalNamespaces: boolean): string {
  const [group, version] = object.apiVersion.includes('/')
    ? object.apiVersion.split('/')
    : ['', object.apiVersion];
  const name = [group, version, object.kind].filter((part) => part !== '').join('_');
  const namespace = severalNamespaces && object.namespace !== '' ? `${object.namespace}_` : '';
  return `${namespace}${name}_${object.name}.yaml`.toLowerCase().replaceAll(/[/\\]/g, '-');
}

async function replace(file: string, text: string): Promise<void> {
  const next = `${file}.${process.pid}.new`;
  try {
    await writeFile(next, text);
    await rename(next, file);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
}

/**
 * Writes a render to a file, or to a folder that exists as one file per object, named as the original names them.
 * Answers with what was written. Source: kustomize/commands/build/writer.go.
 */
export async function writeRender(result: RenderResult, target: string): Promise<readonly string[]> {
  const folder = await stat(target).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!folder) {
    await mkdir(path.dirname(target), { recursive: true });
    await replace(target, result.yaml);
    return [target];
  }
  const several =
    new Set(result.objects.map((object) => object.namespace).filter((namespace) => namespace !== '')).size >
    1;
  const written: string[] = [];
  for (const object of result.objects) {
    const file = path.join(target, fileOf(object, several));
    await replace(file, object.yaml);
    written.push(file);
  }
  return written;
}
