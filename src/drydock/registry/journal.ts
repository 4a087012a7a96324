import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LandfallError, messageOf } from '../../kernel/index.ts';
import { syncFolder } from './contents.ts';
import type { Change } from './catalogue.ts';

/** Where changes are kept. An append resolves once the change cannot be lost any more. */
export interface Journal {
  append(change: Change): Promise<void>;
  close(): Promise<void>;
}

export const noJournal: Journal = { append: () => Promise.resolve(), close: () => Promise.resolve() };

/**
 * One JSON object a line in `dataDir/changes.jsonl`. `replay` gets every change there is, then `snapshot` is written
 * in their place, so that the file does not grow for ever. A torn last line (the process was killed while writing)
 * was never acknowledged and is dropped; damage anywhere else stops the start.
 */
export async function openJournal(
  dataDir: string,
  replay: (change: Change) => void,
  snapshot: () => Iterable<Change>,
): Promise<Journal> {
  const path = join(dataDir, 'changes.jsonl');
  await replayFile(path, replay);
  const next = `${path}.next`;
  await rm(next, { force: true });
  const file = await open(next, 'wx');
  let text = '';
  for (const change of snapshot()) {
    text += `${JSON.stringify(change)}\n`;
    if (text.length > 1024 * 1024) {
      await file.writeFile(text);
      text = '';
    }
  }
  await file.writeFile(text);
  await file.sync();
  await rename(next, path);
  await syncFolder(dataDir);

  let waiting: { line: string; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let flushing: Promise<void> | undefined;
  let broken: unknown;
  // Everything that arrives while one batch is being synced goes into the next: one sync for many writers.
  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        if (broken !== undefined) throw broken;
        await file.writeFile(batch.map((entry) => entry.line).join(''));
        await file.datasync();
        for (const entry of batch) entry.resolve();
      } catch (error) {
        // After a failed write the file may end in half a line; nothing more can be promised.
        broken = error;
        for (const entry of batch) entry.reject(error);
      }
    }
    flushing = undefined;
  };
  return {
    append(change) {
      return new Promise((resolve, reject) => {
        waiting.push({ line: `${JSON.stringify(change)}\n`, resolve, reject });
        flushing ??= flush();
      });
    },
    async close() {
      await flushing;
      await file.close();
    },
  };
}

async function replayFile(path: string, replay: (change: Change) => void): Promise<void> {
  const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity });
  let number = 0;
  let damage: { line: number; message: string } | undefined;
  try {
    for await (const line of lines) {
      number += 1;
      if (line === '') continue;
      if (damage !== undefined) {
        throw new LandfallError(`${path}:${damage.line} is damaged: ${damage.message}`, {
          kind: 'unavailable',
          code: 'registry-data-damaged',
          object: `${path}:${damage.line}`,
          hint: 'Restore the folder from a copy, or start with another --data folder and push again.',
        });
      }
      try {
        replay(JSON.parse(line) as Change);
      } catch (error) {
        damage = { line: number, message: messageOf(error) };
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
