import { LandfallError, sleep } from '../../kernel/index.ts';
import { EXIT } from '../exit.ts';
import { stateFolder } from '../folders.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import type { OutputOptions } from '../options.ts';
import { formatAnswer } from '../output/format.ts';
import { checkKubeconfig } from './kubeconfig-file.ts';
import { dropRecord, isRunning, requireRecord } from './record.ts';

const GRACE_MS = 20_000;
const LOOK_MS = 50;

/** Ends the process of a cluster by its id, after seeing that it is still that process, and waits until it is gone. */
export async function stopCluster(
  options: OutputOptions & { readonly name: string },
  io: CliIo,
): Promise<number> {
  const state = stateFolder(io.env);
  const record = await requireRecord(state, options.name);
  if (!isRunning(record)) {
    await checkKubeconfig(record.kubeconfig, state).catch(() => {});
    await dropRecord(state, record);
    io.out(
      formatAnswer(
        options.output,
        { name: record.name, stopped: false },
        () => `${record.name} was not running any more; what it left is removed.\n`,
      ),
    );
    return EXIT.ok;
  }
  process.kill(record.pid, 'SIGTERM');
  const until = io.clock.now() + GRACE_MS;
  while (isRunning(record)) {
    if (io.clock.now() > until) {
      throw new LandfallError(
        `Cluster '${record.name}' (pid ${record.pid}) did not end within ${GRACE_MS / 1000} s of SIGTERM.`,
        {
          kind: 'unavailable',
          code: 'cluster-did-not-stop',
          object: record.name,
          hint: `kill -9 ${record.pid} ends it; the next start reaps what it leaves behind.`,
        },
      );
    }
    await sleep(io.clock, LOOK_MS, io.signal);
  }
  await dropRecord(state, record);
  io.out(
    formatAnswer(
      options.output,
      { name: record.name, stopped: true },
      () => `${outStyle(io).green('✓')} stopped ${record.name}\n`,
    ),
  );
  return EXIT.ok;
}
