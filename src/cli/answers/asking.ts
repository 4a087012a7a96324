import type { Question, Sources } from '../../verdict/index.ts';
import { stateFolder } from '../folders.ts';
import type { CliIo } from '../io.ts';
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
  /** Where measurements are kept. */
  readonly state: string;
}

/** Opens the sources, shows on a terminal what is being read, and closes everything whatever happens. */
export async function asking<T>(
  ask: Asking,
  options: AskOptions,
  io: CliIo,
  work: (asked: Asked) => Promise<T>,
): Promise<T> {
  const sources = await openSources(options, io);
  const progress = progressLine(io, options.quiet === true || options.output !== 'text');
  try {
    const state = stateFolder(io.env);
    return await work({
      sources,
      state,
      question: questionOf({ ...ask, onProgress: progress.step }, sources, state),
    });
  } finally {
    progress.clear();
    sources.close();
  }
}
