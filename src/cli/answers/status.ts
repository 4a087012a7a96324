import { asLandfallError, mapBounded } from '../../kernel/index.ts';
import type { Hold, LedgerSubject } from '../../ledger/index.ts';
import { listApplications, prove, qualifiedName } from '../../verdict/index.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { introduce, ledgerOf } from '../ledger.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import { formatAnswer } from '../output/format.ts';
import { renderStatus, statusRow } from '../output/status.ts';
import { knownHolds } from '../promotion/holds.ts';
import { questionOf, subjectOf } from '../question.ts';
import { openSources } from '../sources.ts';
import { codeOf } from './prove.ts';

/** Applications looked at side by side; each look is a dozen requests. */
const AT_ONCE = 4;

function isOf(hold: Hold, { namespace, application }: LedgerSubject): boolean {
  return hold.namespace === namespace && hold.application === application;
}

/** Prints a line for every application, or for those that are named, and gives the exit code for all of them. */
export async function answerStatus(
  names: readonly string[],
  options: ClusterOptions & OutputOptions,
  io: CliIo,
): Promise<number> {
  const ledger = ledgerOf(options, io);
  const sources = await openSources(options, io);
  introduce(ledger, sources.kube, io);
  try {
    const all = await listApplications(sources.kube, options.namespace, io.signal);
    const known = all.map(({ kind, metadata: { name, namespace } }) => ({
      name,
      namespace,
      asked: qualifiedName({ kind, name }),
    }));
    const wanted =
      names.length === 0
        ? known
        : names.flatMap((name) => {
            const found = known.filter((entry) => entry.name === name || entry.asked === name);
            return found.length > 0 ? found : [{ name, namespace: options.namespace, asked: name }];
          });
    const held = await knownHolds(ledger, { cluster: sources.kube.server }, io);
    const rows = await mapBounded(wanted, AT_ONCE, async ({ name, namespace, asked }) => {
      try {
        const question = questionOf({ application: asked, namespace }, sources, ledger);
        const { proof } = await prove(sources, question, io.signal);
        return statusRow(
          name,
          proof,
          held.filter((hold) => isOf(hold, subjectOf(proof))),
        );
      } catch (thrown) {
        // An application that was named and is wrong is a wrong question; one among all is a line.
        if (io.signal.aborted || names.length > 0) throw thrown;
        return statusRow(name, asLandfallError(thrown));
      }
    });
    io.out(formatAnswer(options.output, rows, () => renderStatus(rows, io.clock.now(), outStyle(io))));
    return codeOf(rows.map((row) => row.state));
  } finally {
    sources.close();
    await ledger.close();
  }
}
