import { setMaxListeners } from 'node:events';
import { isFlux } from '../boundaries/index.ts';
import type { CommitAuthor, GitMirrors } from '../git/index.ts';
import { asLandfallError, sleep } from '../kernel/index.ts';
import type { Clock, Logger } from '../kernel/index.ts';
import { clusterIdentity, refOf } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import type { Ledger } from '../ledger/index.ts';
import {
  declarationsOf,
  familyEnvironments,
  promote,
  rememberStanding,
  resumeChange,
  subjectOfApplication,
  surveyApplications,
} from '../pipeline/index.ts';
import type {
  ChangeDeps,
  ChangeReport,
  Environment,
  Survey,
  SurveyedApplication,
} from '../pipeline/index.ts';
import { prove } from '../verdict/index.ts';
import type { Sources } from '../verdict/index.ts';
import { whenAborted } from './when-aborted.ts';

export interface PromotionLoopOptions {
  readonly sources: Sources;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Who commits. */
  readonly author: CommitAuthor;
  /** Folder that checks of landfall.yaml run in. */
  readonly folder: string;
  /** Namespace of the applications that are looked after; undefined: all of them. */
  readonly namespace?: string | undefined;
  /** Repositories with the credentials that the cluster holds for an application. Default: as this process has them. */
  readonly gitOf?: (application: KubeObject) => GitMirrors;
  /** Once what is delivered here is known; before that nothing is done. */
  readonly ready?: Promise<unknown>;
  /** Ms between two turns. Default 30,000. */
  readonly everyMs?: number;
}

export interface PromotionLoop {
  close(): Promise<void>;
}

const EVERY_MS = 30_000;
/** Long enough for the second look that makes a broken rollout certain. */
const PATIENCE_MS = 3000;
const ACTOR = { name: 'landfall', attestedBy: 'server' } as const;

/** Asks the delivery engine to look at Git now. */
async function askToLook(
  kube: KubeClient,
  object: KubeObject,
  source: KubeObject | undefined,
  now: string,
  signal: AbortSignal,
): Promise<void> {
  const asked = isFlux(object)
    ? { 'reconcile.fluxcd.io/requestedAt': now }
    : { 'argocd.argoproj.io/refresh': 'normal' };
  for (const each of source === undefined ? [object] : [source, object])
    await kube.patch(refOf(each), 'merge', { metadata: { annotations: asked } }, {}, signal);
}

/**
 * Goes on with promotions and rollbacks that wait or that a dead process left, promotes by itself where landfall.yaml
 * says so, and looks at what soaks while nobody else does. Several processes may do so at once: each change is one in
 * the ledger.
 */
export function startPromotions(options: PromotionLoopOptions): PromotionLoop {
  const { sources, ledger, clock, logger, author, folder, namespace, gitOf, everyMs = EVERY_MS } = options;
  const stop = new AbortController();
  const { signal } = stop;
  // Everything that is looked at side by side waits for the same end.
  setMaxListeners(0, signal);
  const told = new Map<string, string>();

  const identify = () => clusterIdentity(sources.kube, clock, signal);

  /** Says something once, and again when it has changed. */
  function say(level: 'info' | 'warn', text: string, subject: string, detail: string): void {
    if (told.get(`${text} ${subject}`) === detail) return;
    told.set(`${text} ${subject}`, detail);
    logger[level](text, { subject, detail });
  }

  const deps: ChangeDeps = {
    ledger,
    clock,
    author,
    cwd: folder,
    questionFor: ({ spec }) => ({
      application: spec.name,
      namespace: spec.namespace,
      declaredBy: declarationsOf,
      baselineFor: (of, digest) =>
        ledger.errorShares.baseline(
          { cluster: sources.kube.server, namespace: of.namespace, application: of.name },
          digest,
        ),
    }),
    async nudge({ spec, place }) {
      try {
        const now = new Date(clock.now()).toISOString();
        await askToLook(place.sources.kube, spec.object, spec.flux?.source, now, signal);
      } catch (thrown) {
        signal.throwIfAborted();
        // It looks by itself, only later.
        say('warn', 'The engine was not asked to look now', spec.name, asLandfallError(thrown).message);
      }
    },
    remember: (application, look) => rememberStanding(ledger, subjectOfApplication(application), look),
    onStep: () => {},
  };

  function tell(report: ChangeReport): void {
    const { state, kind, to, release, message, refusals } = report;
    const subject = `${to.application} ${release.name}`;
    const detail = [message, ...refusals.flatMap(({ lines }) => lines)].join('; ');
    if (state === 'already') return;
    const bad = state === 'refused' || state === 'stopped';
    say(bad ? 'warn' : 'info', `A ${kind} is ${state}`, subject, detail);
  }

  async function attempt(subject: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      signal.throwIfAborted();
      say('warn', 'A promotion could not be gone on with', subject, asLandfallError(thrown).message);
    }
  }

  async function resumeOpen(survey: Survey): Promise<void> {
    for (const change of await ledger.changes.open({ cluster: sources.kube.server })) {
      const here = survey.applications.some(
        ({ spec }) => spec.name === change.application && spec.namespace === change.namespace,
      );
      if (here)
        await attempt(change.application, async () => {
          tell(await resumeChange(change, survey, deps, PATIENCE_MS, signal));
        });
    }
  }

  async function into(survey: Survey, target: SurveyedApplication, environment: Environment): Promise<void> {
    const before = survey.applications.filter(
      ({ family, environment: name }) => family === target.family && name === environment.from,
    );
    const [source, another] = before;
    if (source === undefined || another !== undefined) {
      const found = before.map(({ spec }) => spec.name).join(', ') || 'none';
      say('warn', 'A promotion needs one application to come from', target.spec.name, found);
      return;
    }
    if (environment.policy.auto !== true) {
      // Soak is what has been seen: somebody has to look.
      const look = await prove(source.place.sources, deps.questionFor(source), signal);
      await deps.remember(source, look);
      return;
    }
    const pair = { source, target, environment };
    const ask = { pair, actor: ACTOR, override: undefined, older: false, auto: true };
    tell(await promote(ask, survey, deps, { waitMs: PATIENCE_MS, dryRun: false }, signal));
  }

  async function turn(): Promise<void> {
    const survey = await surveyApplications([{ context: '', sources, namespace, gitOf, identify }], signal);
    for (const { application, why } of survey.problems)
      say('warn', 'An application has no place among environments', application, why);
    await resumeOpen(survey);
    for (const target of survey.applications) {
      await attempt(target.spec.name, async () => {
        const environment = familyEnvironments(survey, target).find(
          ({ name }) => name === target.environment,
        );
        const { policy, from } = environment ?? { policy: {}, from: undefined };
        if (environment === undefined || from === undefined) return;
        if (policy.auto === true || policy.soak !== undefined) await into(survey, target, environment);
      });
    }
  }

  async function run(): Promise<void> {
    await Promise.race([options.ready, whenAborted(signal)]);
    while (!signal.aborted) {
      try {
        await turn();
      } catch (thrown) {
        if (signal.aborted) return;
        say('warn', 'Promotions could not be looked at', '', asLandfallError(thrown).message);
      }
      try {
        await sleep(clock, everyMs, signal);
      } catch {
        return;
      }
    }
  }

  const running = run();
  return {
    async close() {
      stop.abort();
      await running;
    },
  };
}
