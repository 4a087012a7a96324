import { processStart } from '../../kernel/index.ts';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isRunning } from '../cluster/record.ts';

const NAME = /^landfall-demo-(\d+)-(\d*)-[A-Za-z0-9]{6}$/;

/**
 * A temporary folder for one demo, named after its process. What demos left that were killed is removed first; a
 * folder of somebody else, or of a process that still runs, is not touched.
 */
export async function openDemoFolder(parent: string = tmpdir()): Promise<string> {
  for (const name of await readdir(parent)) {
    const [, pid = '', born = ''] = NAME.exec(name) ?? [];
    if (pid === '' || isRunning({ pid: Number(pid), born })) continue;
    const folder = path.join(parent, name);
    const owner = await stat(folder).then(
      (found) => found.uid,
      () => undefined,
    );
    if (owner !== undefined && owner === process.getuid?.())
      await rm(folder, { recursive: true, force: true });
  }
  return mkdtemp(path.join(parent, `landfall-demo-${process.pid}-${processStart(process.pid) ?? ''}-`));
}
