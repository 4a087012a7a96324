import { systemClock } from '../../kernel/index.ts';
import { createApi } from '../api/api-server.ts';

/** Writes objects until it is killed, and names each one once it was acknowledged. */
async function writeForever(dataDir: string): Promise<void> {
  const api = await createApi({ clock: systemClock, dataDir });
  let count = 0;
  const one = async () => {
    for (;;) {
      const name = `m${count++}`;
      await api.create(
        { group: '', version: 'v1', resource: 'configmaps' },
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } },
        { fieldManager: 'writer' },
      );
      process.stdout.write(`${name}\n`);
    }
  };
  await Promise.all([one(), one(), one(), one()]);
}

void writeForever(process.argv[2] ?? '');
