import path from 'node:path';
import { workOnBuilds } from '../../controller/index.ts';
import { createGitMirrors } from '../../git/index.ts';
import { jsonLogger } from '../../kernel/index.ts';
import { createRegistryClient } from '../../oci/index.ts';
import { rememberRecord } from '../built-images.ts';
import type { WorkOptions } from '../commands/builds.ts';
import { EXIT } from '../exit.ts';
import { cacheFolder, stateFolder } from '../folders.ts';
import type { CliIo } from '../io.ts';
import { ledgerOf } from '../ledger.ts';
import { registryOptions } from '../sources.ts';

/** Runs queued builds until somebody ends it; what runs then is given back. */
export async function workHere(options: WorkOptions, io: CliIo): Promise<number> {
  const ledger = ledgerOf(options, io);
  const git = createGitMirrors({ folder: path.join(cacheFolder(io.env), 'git'), clock: io.clock });
  const registry = createRegistryClient(registryOptions(options, io));
  try {
    await workOnBuilds(
      {
        open: (url) => Promise.resolve(git.open(url)),
        ledger,
        registry,
        clock: io.clock,
        logger: jsonLogger(io.out, () => io.clock.now()),
        folder: path.join(stateFolder(io.env), 'builds'),
        env: io.env,
        concurrency: options.builds,
        onPushed: (record) => rememberRecord(stateFolder(io.env), record),
      },
      io.signal,
    );
    return EXIT.ok;
  } finally {
    registry.close();
    git.close();
    await ledger.close();
  }
}
