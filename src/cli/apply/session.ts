import { randomBytes } from 'node:crypto';
import { asLandfallError, sleep } from '../../kernel/index.ts';
import { identityOf, makePlan, recoverUnfinished, unfinishedElsewhere } from '../../apply/index.ts';
import type { DeliveryContext, HealthAnswer, Plan, Recovered } from '../../apply/index.ts';
import { compileHealthRules, watchHealth } from '../../boundaries/health/index.ts';
import type { ClusterIdentity } from '../../kube/index.ts';
import type { Ledger, LedgerSubject } from '../../ledger/index.ts';
import { introduce, ledgerOf } from '../ledger.ts';
import { openSources } from '../sources.ts';
import type { OpenSources } from '../sources.ts';
import { errStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { inventoryOf } from './inventory.ts';
import type { SetOptions } from './options.ts';
import { deliveredElsewhere } from './delivered-elsewhere.ts';
import { resolveTarget } from './target.ts';
import type { ApplyTarget } from './target.ts';

/** The cluster and the ledger of one command. */
export interface Session {
  readonly sources: OpenSources;
  readonly ledger: Ledger;
  /** Which cluster it is. */
  readonly identify: () => Promise<ClusterIdentity>;
  close(): Promise<void>;
}

export async function openSession(options: SetOptions, io: CliIo): Promise<Session> {
  const ledger = ledgerOf(options, io);
  const sources = await openSources(options, io);
  const identify = introduce(ledger, sources.kube, io);
  return {
    sources,
    ledger,
    identify,
    async close() {
      sources.close();
      await ledger.close();
    },
  };
}

/** A plan, and what it was made of. */
export interface Planned {
  readonly target: ApplyTarget;
  readonly environment: string | undefined;
  readonly plan: Plan;
  /** Digest of what is wanted. */
  readonly set: string;
  readonly salt: string;
}

/** Renders what was named and holds it against the cluster. */
export async function planFor(
  what: string,
  options: SetOptions,
  session: Session,
  io: CliIo,
  salt: string = randomBytes(16).toString('hex'),
): Promise<Planned> {
  const { sources, ledger } = session;
  // The connection is made while the files are rendered; who could not be asked shows where the answer is needed.
  const early = new AbortController();
  const identity = identityOf(sources.kube, AbortSignal.any([io.signal, early.signal]));
  identity.catch(() => {});
  ledger.prepare();
  const target = await resolveTarget(what, options, sources, io).catch((thrown: unknown) => {
    // Files that are wrong wait for nobody.
    early.abort();
    throw thrown;
  });
  const { kube } = sources;
  const inventory = await inventoryOf(kube, ledger, target, options.prune === true, io.signal);
  const plan = await makePlan(
    kube,
    {
      set: target.set,
      extra: inventory.extra,
      prune: options.prune === true,
      pruneKept: options.pruneKept === true,
      recreate: options.recreate === true,
      looseRelations: options.loose === true,
      salt,
      identity,
    },
    io.signal,
  );
  const unknown =
    options.prune === true && !inventory.known
      ? ['no earlier delivery of this application is known here, so nothing can be pruned']
      : [];
  return {
    target,
    environment: options.env ?? (await declaredEnvironment(target)),
    plan: {
      ...plan,
      warnings: [
        ...target.warnings,
        ...inventory.warnings,
        ...unknown,
        ...deliveredElsewhere(plan, target.subject.application),
        ...plan.warnings,
      ],
    },
    set: target.digest,
    salt,
  };
}

/** What landfall.yaml says; where there is none, nothing is loaded to read it. */
async function declaredEnvironment(target: ApplyTarget): Promise<string | undefined> {
  const { declarations, subject } = target;
  if (declarations === undefined) return undefined;
  const { declarationsOf } = await import('../../pipeline/index.ts');
  return declarationsOf(declarations, subject.application).environment;
}

/** The rules of landfall.yaml for kinds that tell their health in a way of their own. */
async function healthRules(declarations: string | undefined) {
  if (declarations === undefined) return {};
  const { parseLandfallYaml } = await import('../../pipeline/index.ts');
  return { rules: compileHealthRules(parseLandfallYaml(declarations).health ?? []) };
}

/** How a delivery is carried out from the command line. */
export function deliveryContext(
  session: Session,
  io: CliIo,
  timeoutMs: number,
  declarations?: string,
): DeliveryContext {
  const { kube } = session.sources;
  return {
    client: kube,
    clock: io.clock,
    ledger: session.ledger,
    async health(objects, signal): Promise<HealthAnswer> {
      const applied = objects.map((object) => ({ object }));
      const { outcome, objects: found } = await watchHealth(
        kube,
        applied,
        { clock: io.clock, timeoutMs, ...(await healthRules(declarations)) },
        signal,
      );
      const reasons = found
        .filter(({ state }) => state !== 'proven' && state !== 'not-applicable')
        .map(({ name, state, text }) => ({ object: name, message: text, decisive: state === 'broken' }))
        .toSorted((a, b) => Number(b.decisive) - Number(a.decisive));
      if (outcome === 'healthy') return { outcome: 'healthy', reasons: [] };
      return { outcome: outcome === 'unproven' ? 'unproven' : 'unhealthy', reasons };
    },
  };
}

const WAIT_PAUSE = 500;
const LOOKED_AT = 5;

/** Waits until no other delivery of this application runs, as far as the ledger knows. */
export async function waitForTurn(
  session: Session,
  subject: LedgerSubject,
  timeoutMs: number,
  io: CliIo,
): Promise<void> {
  const end = io.clock.now() + timeoutMs;
  for (;;) {
    const recent = await session.ledger.deliveries.list(subject, LOOKED_AT);
    if (!recent.some(({ state }) => state === 'running') || io.clock.now() >= end) return;
    await sleep(io.clock, WAIT_PAUSE, io.signal);
  }
}

/**
 * Ends what dead processes left half done, of one application or of all; tells what they left in other clusters that
 * had this address before, and where it is not certain which cluster this is.
 */
export async function recoverAll(
  { ledger }: Session,
  context: DeliveryContext,
  subject: Partial<LedgerSubject> & Pick<LedgerSubject, 'cluster'>,
  quiet: boolean,
  io: CliIo,
): Promise<readonly Recovered[]> {
  const doubt = await ledger.clusters.doubt(subject.cluster);
  if (doubt !== undefined && !quiet) {
    io.err(
      `${errStyle(io).yellow('!')} Which cluster this is could not be read, so its journals are looked for by the address ${subject.cluster} alone. ${doubt}\n`,
    );
  }
  const own = await recoverUnfinished(context, subject, io.signal);
  return [...own, ...(await unfinishedElsewhere(context, subject))];
}

/** True for the conflict of two deliveries at a time. */
export function isHeld(thrown: unknown): boolean {
  return asLandfallError(thrown).code === 'journal-held';
}
