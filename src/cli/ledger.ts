import { LandfallError } from '../kernel/index.ts';
import { clusterIdentity } from '../kube/index.ts';
import type { ClusterIdentity, KubeClient } from '../kube/index.ts';
import { openLedger } from '../ledger/index.ts';
import type { Ledger } from '../ledger/index.ts';
import { stateFolder } from './folders.ts';
import type { CliIo } from './io.ts';

export interface LedgerChoice {
  readonly ledger?: string;
}

function given(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}

/** The ledger that `--ledger` or LANDFALL_LEDGER names, else the one of the state folder. Nothing is opened yet. */
export function ledgerOf(options: LedgerChoice, io: CliIo): Ledger {
  const url = given(options.ledger) ?? given(io.env['LANDFALL_LEDGER']);
  if (url !== undefined && !/^postgres(?:ql)?:\/\/\S+$/.test(url)) {
    throw new LandfallError('The address of a ledger is postgres://USER@HOST/DATABASE.', {
      kind: 'invalid-input',
      code: 'ledger-url',
      hint: 'Mend --ledger or LANDFALL_LEDGER, or leave it out for a file in the state folder.',
    });
  }
  return openLedger({
    url,
    folder: stateFolder(io.env),
    clock: io.clock,
    key: given(io.env['LANDFALL_LEDGER_KEY']),
  });
}

/**
 * Lets the ledger ask this cluster who it is, as soon as it has to know. Gives the same question to whoever else has it:
 * what the cluster has said once is not asked again.
 */
export function introduce(
  ledger: Pick<Ledger, 'clusters'>,
  kube: KubeClient,
  io: CliIo,
): () => Promise<ClusterIdentity> {
  let known: ClusterIdentity | undefined;
  const identify = async () => {
    if (known !== undefined && 'uid' in known) return known;
    known = await clusterIdentity(kube, io.clock, io.signal);
    return known;
  };
  ledger.clusters.know(kube.server, identify);
  return identify;
}
