import { readFile, rm } from 'node:fs/promises';
import { getArray, getString, LandfallError, parseYaml } from '../../kernel/index.ts';
import { isRunning, readRecords } from './record.ts';

/** Makes way for a new kubeconfig. Throws `kubeconfig-exists` for one that somebody else wrote or a running cluster uses. */
export async function checkKubeconfig(file: string, state: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new LandfallError(`The kubeconfig ${file} cannot be written: ${cause.message}.`, {
      kind: 'invalid-input',
      code: 'kubeconfig-unwritable',
      object: file,
      hint: 'Name a file in a folder that you may write: --kubeconfig FILE.',
      cause,
    });
  });
  if (text === undefined) return;
  const user = (await readRecords(state)).find((record) => record.kubeconfig === file && isRunning(record));
  if (user !== undefined || !isOurs(text, file)) {
    throw new LandfallError(
      `${file} exists and ${user === undefined ? 'holds something else than the kubeconfig of an embedded cluster' : `belongs to the cluster '${user.name}', which runs`}; it would be replaced.`,
      {
        kind: 'conflict',
        code: 'kubeconfig-exists',
        object: file,
        hint: 'Name another file; several are used together as KUBECONFIG=FILE:FILE.',
      },
    );
  }
  // Left behind by a run that was killed. Who waits for the file must not take it for the new one.
  await rm(file, { force: true });
}

/** Removes a kubeconfig whose token opens nothing any more, unless somebody has put something else there. */
export async function dropKubeconfig(file: string, written: string): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === written) await rm(file, { force: true });
}

function isOurs(text: string, file: string): boolean {
  try {
    const [config] = parseYaml(text, file);
    return (
      getString(config, 'current-context') === 'drydock' &&
      getArray(config, 'clusters').length === 1 &&
      getString(config, 'clusters', 0, 'name') === 'drydock'
    );
  } catch {
    return false;
  }
}
