import { attestedIdentity } from '../../apply/index.ts';
import type { Identity } from '../../apply/index.ts';
import { asLandfallError } from '../../kernel/index.ts';
import type { Actor, Ledger } from '../../ledger/index.ts';
import { surveyApplications } from '../../pipeline/index.ts';
import type { ChangeDeps, ClusterPlace, Survey } from '../../pipeline/index.ts';
import { lookNow } from '../drift/application.ts';
import { authorOf } from '../drift/author.ts';
import { rememberProof } from '../history/remember.ts';
import { errStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { introduce, ledgerOf } from '../ledger.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import { questionOf } from '../question.ts';
import { openSources } from '../sources.ts';

export interface PlacesOptions extends ClusterOptions, OutputOptions {
  /** Contexts of the kubeconfig to look in besides. */
  readonly contexts?: readonly string[];
}

/** Everything that a command about releases works with. */
export interface Opened {
  readonly places: readonly ClusterPlace[];
  readonly survey: Survey;
  readonly ledger: Ledger;
  readonly deps: ChangeDeps;
}

/** Opens the clusters, the ledger, and looks which applications there are; closes everything whatever happens. */
export async function withPlaces<T>(
  options: PlacesOptions,
  io: CliIo,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const ledger = ledgerOf(options, io);
  const opened: Awaited<ReturnType<typeof openSources>>[] = [];
  try {
    const named = [options.context, ...(options.contexts ?? [])];
    const contexts = [...new Set(named)].filter((each) => each !== undefined || named.length === 1);
    const places: ClusterPlace[] = [];
    for (const context of contexts) {
      const sources = await openSources({ ...options, ...(context === undefined ? {} : { context }) }, io);
      opened.push(sources);
      const identify = introduce(ledger, sources.kube, io);
      places.push({ context: context ?? '', sources, identify });
    }
    const survey = await surveyApplications(places, io.signal);
    return await work({ places, survey, ledger, deps: await changeDeps(ledger, options, io) });
  } finally {
    for (const sources of opened) sources.close();
    await ledger.close();
  }
}

async function changeDeps(ledger: Ledger, options: PlacesOptions, io: CliIo): Promise<ChangeDeps> {
  const quiet = options.quiet === true || options.output !== 'text';
  const style = errStyle(io);
  return {
    ledger,
    clock: io.clock,
    author: await authorOf(io),
    cwd: io.cwd,
    questionFor: ({ spec, place }) =>
      questionOf({ application: spec.name, namespace: spec.namespace }, place.sources, ledger),
    async nudge({ spec, place }, signal) {
      try {
        await lookNow(place.sources.kube, spec.object, io.clock, signal);
      } catch (thrown) {
        // It looks by itself, only later.
        const error = asLandfallError(thrown);
        if (error.kind === 'cancelled') throw error;
        io.err(`${style.yellow('!')} The controller was not asked to look now. ${error.message}\n`);
      }
    },
    remember: (_application, look) => rememberProof(look, ledger, io),
    onStep(text) {
      if (!quiet && text !== '') io.err(`${style.dim(`… ${text}`)}\n`);
    },
  };
}

/** Who acts, as the cluster that is acted on attests it. */
export async function actorAt(
  place: ClusterPlace,
  signal: AbortSignal,
): Promise<{ readonly actor: Actor; readonly identity: Identity | undefined }> {
  const identity = await attestedIdentity(place.sources.kube, signal);
  return {
    identity,
    actor: { name: identity?.name ?? 'unknown', attestedBy: identity === undefined ? 'nobody' : 'cluster' },
  };
}
