import type { Build, BuildStep } from '../../../ledger/index.ts';
import type { RunContext } from './context.ts';
import { createOutput } from './output.ts';
import type { Output, Secret } from './output.ts';

/** How often the output of a running step is kept. */
const FLUSH_MS = 1_000;

/** A log of one part of the work, kept in the ledger while it grows. */
export async function logged<T>(
  context: RunContext,
  build: Build,
  seq: number,
  name: string,
  { secrets }: { readonly secrets: readonly Secret[] },
  work: (output: Output) => Promise<{
    readonly value: T;
    readonly state: BuildStep['state'];
    readonly exitCode?: number;
  }>,
): Promise<T> {
  const { builds, clock } = context;
  const output = createOutput(secrets);
  const startedAt = new Date(clock.now()).toISOString();
  const write = (state: BuildStep['state'], exitCode?: number) =>
    builds.step(build.id, {
      seq,
      name,
      state,
      exitCode,
      startedAt,
      finishedAt: state === 'running' ? undefined : new Date(clock.now()).toISOString(),
      head: output.head,
      tail: output.tail,
      written: output.written,
    });
  await write('running');
  let told = output.written;
  let writing: Promise<void> = Promise.resolve();
  let over = false;
  let timer = clock.after(FLUSH_MS, flush);
  function flush(): void {
    if (over) return;
    if (output.written !== told) {
      told = output.written;
      // A failure shows when the step ends; meanwhile only a reader waits.
      writing = write('running').catch(() => undefined);
    }
    void writing.then(() => {
      if (!over) timer = clock.after(FLUSH_MS, flush);
    });
  }
  try {
    const { value, state, exitCode } = await work(output);
    over = true;
    await writing;
    output.end();
    await write(state, exitCode);
    return value;
  } catch (thrown) {
    over = true;
    await writing;
    if (thrown instanceof Error) output.write(Buffer.from(`${thrown.message}\n`));
    output.end();
    await write('failed');
    throw thrown;
  } finally {
    timer.cancel();
  }
}
