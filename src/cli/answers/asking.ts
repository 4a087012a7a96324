import type { Ledger } from '../../ledger/index.ts';
import type { Question, Sources } from '../../verdict/index.ts';
import type { CliIo } from '../io.ts';
import { introduce, ledgerOf } from '../ledger.ts';
import type { ClusterOptions } from '../options.ts';
import { progressLine } from '../output/progress.ts';
import { questionOf } from '../question.ts';
import type { Asking } from '../question.ts';
import { openSources } from '../sources.ts';

export interface AskOptions extends ClusterOptions {
  readonly output: string;
}

export interface Asked {
  readonly sources: Sources;
  readonly question: Question;
  readonly ledger: Ledger;
  /** Prints the answer where the progress was. What is done after it keeps nobody waiting. */
  readonly say: (text: string) => void;
}

/** Opens the sources, shows on a terminal what is being read, and closes everything whatever happens. */
export async function asking<T>(
  ask: Asking,
  options: AskOptions,
  io: CliIo,
  work: (asked: Asked) => Promise<T>,
): Promise<T> {
  const ledger = ledgerOf(options, io);
  const sources = await openSources(options, io);
  introduce(ledger, sources.kube, io);
  const progress = progressLine(io, options.quiet === true || options.output !== 'text');
  try {
    return await work({
      sources,
      ledger,
      say(text) {
        progress.clear();
        io.out(text);
      },
      question: questionOf({ ...ask, onProgress: progress.step }, sources, ledger),
    });
  } finally {
    progress.clear();
    sources.close();
    await ledger.close();
  }
}
