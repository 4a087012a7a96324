import { stateFolder } from '../folders.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import type { OutputOptions } from '../options.ts';
import { formatAnswer } from '../output/format.ts';
import { isRunning, readRecords } from './record.ts';

/** Lists the clusters of this machine; true when one of them runs. */
export async function clusterStatus(options: OutputOptions, io: CliIo): Promise<boolean> {
  const style = outStyle(io);
  const records = await readRecords(stateFolder(io.env));
  const rows = records.map((record) => ({ ...record, running: isRunning(record) }));
  const text = () => {
    if (rows.length === 0) return 'No cluster runs on this machine. landfall cluster start brings one up.\n';
    return `${rows
      .map((row) =>
        row.running
          ? `${style.green('✓')} ${row.name}  ${row.url}  registry ${row.registry}  pid ${row.pid}, since ${row.startedAt}\n    export KUBECONFIG=${row.kubeconfig}`
          : `${style.red('✗')} ${row.name}  is gone (pid ${row.pid} ended without stopping in order); the next start cleans up`,
      )
      .join('\n')}\n`;
  };
  io.out(formatAnswer(options.output, rows, text));
  return rows.some((row) => row.running);
}
