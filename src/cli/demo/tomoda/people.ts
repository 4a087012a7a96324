import { readFile, writeFile } from 'node:fs/promises';
import type { Colleague } from '../../../../examples/tomoda/index.ts';
import { getArray, getObject, isJsonObject, parseYaml } from '../../../kernel/index.ts';

/**
 * Writes the kubeconfig of one colleague: the administrator's, which impersonates them, as `kubectl --as` does. The
 * cluster then says who they are, and that is what counts where somebody approves.
 */
export async function writeColleagueKubeconfig(
  admin: string,
  colleague: Colleague,
  to: string,
): Promise<void> {
  const [config] = parseYaml(await readFile(admin, 'utf8'), admin);
  const users = getArray(config, 'users')
    .filter(isJsonObject)
    .map((entry) => ({
      ...entry,
      user: { ...getObject(entry, 'user'), as: colleague.email, 'as-groups': [...colleague.groups] },
    }));
  const own = isJsonObject(config) ? { ...config, users } : { users };
  // YAML reads JSON.
  await writeFile(to, `${JSON.stringify(own, null, 2)}\n`, { mode: 0o600 });
}
