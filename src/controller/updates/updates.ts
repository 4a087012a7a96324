import { asLandfallError, mapBounded } from '../../kernel/index.ts';
import type { Clock, Logger } from '../../kernel/index.ts';
import type { GitMirror, GitMirrors } from '../../git/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import {
  clusterSources,
  configure,
  createCycle,
  objectOf,
  placeOf,
  readUpdaterObjects,
  recordUpdate,
} from '../../pipeline/index.ts';
import type {
  DeclaredRepository,
  RefusedRule,
  RegistryClients,
  Updater,
  UpdateReport,
  UpdaterObjects,
} from '../../pipeline/index.ts';
import type { Declarations } from '../declarations.ts';
import type { EventRecorder } from '../events.ts';
import { renderTemplate } from '../applicationsets/template/index.ts';
import { repositoryKey } from '../webhook.ts';
import { createFluxImages } from './flux-images.ts';

export interface UpdatesOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventRecorder;
  readonly mirrors: GitMirrors;
  readonly mirror: (url: string, project: string, signal: AbortSignal) => Promise<GitMirror>;
  readonly declarations: Declarations;
  readonly clients: RegistryClients;
  readonly ledger: Pick<Ledger, 'holds' | 'decisions'>;
  /** This replica's signal for a key; undefined: another replica's. */
  readonly hold: (key: string) => AbortSignal | undefined;
  /** A commit was pushed to these repositories: what reads them looks at once. */
  readonly onCommitted: (keys: ReadonlySet<string>) => void;
  /** Nothing is done before it. */
  readonly after: Promise<void>;
  readonly random: () => number;
  readonly namespace?: string;
  /** Ms between two looks at the configuration. Default 15,000. */
  readonly roundMs?: number;
}

export interface Updates {
  /** Somebody pushed images to these repositories (`registry/repository`): who follows them looks now. */
  pushed(repositories: ReadonlySet<string>): void;
  /** Resolves when the round that begins now has ended. */
  runNow(): Promise<readonly UpdateReport[]>;
  close(): Promise<void>;
}

const ROUND = 15_000;
const PLACES_AT_ONCE = 4;
/** A poll is late by a third of its interval at most, so that not all of them come together. */
const JITTER = 1 / 3;
const KEPT = 20_000;
/** Decisions among which the one of a commit is looked for. */
const LOOKED_AT = 50;

/**
 * Keeps images at what their policies choose: looks when the interval of an updater is over or somebody pushed, and
 * never twice at a time. Whatever is read is read again in every round.
 */
export function startUpdates(options: UpdatesOptions): Updates {
  const { client, clock, logger, events, ledger, random } = options;
  const stop = new AbortController();
  let objects: UpdaterObjects = NOTHING;
  const sources = clusterSources({
    kube: client,
    git: options.mirrors,
    mirror: options.mirror,
    clients: options.clients,
    objects: () => objects,
    ledger,
    clock,
    template: (text, data) => renderTemplate(text, data),
  });
  const cycle = createCycle(sources);
  const flux = createFluxImages({ client, clock, registries: sources.registries });
  const next = new Map<string, number>();
  /** What was last told of an updater or a rule: the same thing is not told again. */
  const told = new Map<string, string>();
  const remembered = new Map<string, string>();
  let pushed = new Set<string>();
  let wake: () => void = () => {};

  async function read(signal: AbortSignal): Promise<readonly Updater[]> {
    objects = await readUpdaterObjects(client, options.namespace, signal);
    const denied = (objects.denied ?? []).join(', ');
    if (denied !== (told.get('denied') ?? '')) {
      told.set('denied', denied);
      logger.warn('Kinds that configure updates may not be listed; what they ask for is not done', {
        kinds: denied,
      });
    }
    const { known, unread } = await options.declarations.read('git', signal);
    const declared: DeclaredRepository[] = [
      ...known.map(({ url, file }) => ({ url, file })),
      ...unread.map(({ url, problem }) => ({ url, problem })),
    ];
    const { updaters, refused } = configure(objects, declared);
    for (const rule of refused) await tellRefused(rule, signal);
    return updaters;
  }

  function isDue(updater: Updater, news: ReadonlySet<string>): boolean {
    return (
      (next.get(updater.key) ?? 0) <= clock.now() ||
      updater.images.some(({ repository }) => news.has(repository))
    );
  }

  async function round(all: boolean): Promise<readonly UpdateReport[]> {
    const { signal } = stop;
    const news = pushed;
    pushed = new Set();
    cycle.forget();
    const updaters = await read(signal);
    const mine = updaters.filter((updater) => options.hold(updater.key) !== undefined);
    await flux.reflect(objects.flux, (key) => options.hold(key) !== undefined, signal);
    const due = mine.filter((updater) => all || isDue(updater, news));
    const places = new Map<string, Updater[]>();
    for (const updater of due) {
      if (next.size >= KEPT) next.clear();
      next.set(updater.key, clock.now() + updater.intervalMs * (1 + random() * JITTER));
      const place = placeOf(updater);
      places.set(place, [...(places.get(place) ?? []), updater]);
    }
    const reports = await mapBounded([...places.values()], PLACES_AT_ONCE, async (group) => {
      // What is taken over by another replica ends here.
      const held = group.flatMap(({ key }) => options.hold(key) ?? []);
      const made = await cycle.run(group, {}, AbortSignal.any([signal, ...held]));
      for (const report of made) await settle(report, signal);
      return made;
    });
    return reports.flat();
  }

  async function settle(report: UpdateReport, signal: AbortSignal): Promise<void> {
    const { updater, commit, outcome, why } = report;
    const { namespace, name } = updater.application;
    const object = objectOf(updater, objects);
    if (commit !== undefined) {
      await recordUpdate(ledger, client.server, report);
      options.onCommitted(new Set([repositoryKey(updater.git.url)]));
    }
    await remember(report);
    await tell(updater.key, object, report, signal);
    logger.info('Images were looked at', {
      application: `${namespace}/${name}`,
      outcome,
      ...(commit === undefined ? {} : { commit }),
      ...(outcome === 'current' ? {} : { why }),
    });
    if (updater.origin === 'ImageUpdateAutomation' && object !== undefined && !updater.suspended) {
      try {
        await flux.automation(object, report, signal);
      } catch (thrown) {
        signal.throwIfAborted();
        logger.warn('A status could not be written', {
          object: updater.key,
          error: asLandfallError(thrown).message,
        });
      }
    }
  }

  /** A commit whose process died before the ledger knew of it is in the history; it is looked up once. */
  async function remember({ updater, last }: UpdateReport): Promise<void> {
    const { key, application } = updater;
    if (last === undefined || remembered.get(key) === last.commit) return;
    if (remembered.size >= KEPT) remembered.clear();
    remembered.set(key, last.commit);
    const subject = {
      cluster: client.server,
      namespace: application.namespace,
      application: application.name,
    };
    const known = await ledger.decisions.list(subject, LOOKED_AT);
    if (known.some(({ kind, detail }) => kind === 'update' && detail['commit'] === last.commit)) return;
    await ledger.decisions.record({
      ...subject,
      kind: 'update',
      actor: { name: updater.commit.author.name, attestedBy: 'nobody' },
      reason: last.subject,
      detail: { commit: last.commit },
    });
  }

  /** An Event for what is news. */
  async function tell(
    key: string,
    object: KubeObject | undefined,
    report: UpdateReport,
    signal: AbortSignal,
  ): Promise<void> {
    const { outcome, why, edits, commit } = report;
    const refusals = report.images.filter(({ state }) => state === 'refused' || state === 'nothing');
    const text = [why, ...refusals.map((image) => `${image.rule.name}: ${image.why}`)].join('; ');
    const news = commit ?? `${outcome} ${text}`;
    if (told.get(key) === news) return;
    if (told.size >= KEPT) told.clear();
    told.set(key, news);
    if (object === undefined || (outcome === 'current' && refusals.length === 0)) return;
    const fine = ['committed', 'proposed', 'current', 'would-commit'].includes(outcome);
    const changes = edits.map(({ image, from, to }) => `${image}: ${from} to ${to}`).join(', ');
    await events.record(
      object,
      fine && refusals.length === 0 ? 'Normal' : 'Warning',
      fine && commit !== undefined ? 'ImagesUpdated' : 'ImagesNotUpdated',
      commit === undefined ? text : `${text} as ${commit.slice(0, 12)}: ${changes}`,
      signal,
    );
  }

  async function tellRefused(rule: RefusedRule, signal: AbortSignal): Promise<void> {
    const { namespace, name } = rule.application;
    const key = `${namespace}/${name} ${rule.name}`;
    const { message, hint } = rule.problem;
    if (told.get(key) === message) return;
    told.set(key, message);
    logger.warn('A configured image is not updated', {
      application: `${namespace}/${name}`,
      image: rule.name,
      code: rule.problem.code,
      error: message,
    });
    const among = [...objects.applications, ...objects.flux.automations];
    const object = among.find(
      ({ metadata }) => metadata.name === name && (metadata.namespace ?? '') === namespace,
    );
    if (object === undefined) return;
    const text = `${rule.name}: ${message} ${hint ?? ''}`.trim();
    await events.record(object, 'Warning', 'ImagesNotUpdated', text, signal);
  }

  let running: Promise<readonly UpdateReport[]> = Promise.resolve([]);
  /** One round after the other. */
  function run(all: boolean): Promise<readonly UpdateReport[]> {
    const before = running.catch(() => []);
    running = before.then(() => round(all));
    return running;
  }

  async function loop(): Promise<void> {
    // Who may not act at all says so elsewhere.
    await Promise.race([options.after, aborted(stop.signal)]).catch(() => stop.abort());
    while (!stop.signal.aborted) {
      try {
        await run(false);
      } catch (thrown) {
        if (stop.signal.aborted) return;
        const error = asLandfallError(thrown);
        logger.warn('Images could not be looked at; it is tried again', {
          code: error.code,
          error: error.message,
        });
      }
      await pause((options.roundMs ?? ROUND) * (1 + random() * JITTER));
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        stop.signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = clock.after(ms, end);
      wake = end;
      if (stop.signal.aborted || pushed.size > 0) end();
      else stop.signal.addEventListener('abort', end, { once: true });
    });
  }

  const looping = loop();
  return {
    pushed(repositories) {
      for (const repository of repositories) pushed.add(repository);
      wake();
    },
    runNow: () => run(true),
    async close() {
      stop.abort();
      await looping;
      await running.catch(() => []);
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

const NOTHING: UpdaterObjects = {
  applications: [],
  imageUpdaters: [],
  flux: {
    repositories: [],
    policies: [],
    automations: [],
    gitRepositories: [],
    kustomizations: [],
    namespaces: [],
  },
};
