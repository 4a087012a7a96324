import { createDeclarations, renderTemplate } from '../../controller/index.ts';
import { getString, LandfallError, mapBounded, nearest } from '../../kernel/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import {
  clusterSources,
  configure,
  createCycle,
  createRegistryClients,
  placeOf,
  readUpdaterObjects,
} from '../../pipeline/index.ts';
import type { RefusedRule, Updater, UpdateReport, UpdaterObjects } from '../../pipeline/index.ts';
import { applicationSpec } from '../../boundaries/index.ts';
import type { OpenSources } from '../sources.ts';

/** What was found and done, and what is configured and not acted on. */
export interface UpdatesAnswer {
  readonly reports: readonly UpdateReport[];
  readonly refused: readonly RefusedRule[];
}

const PLACES_AT_ONCE = 4;

/** One cycle of the updaters of an application, or of all of them. */
export async function lookAtUpdates(
  asked: {
    readonly application: string | undefined;
    readonly namespace: string | undefined;
    readonly dryRun: boolean;
  },
  sources: OpenSources,
  ledger: Ledger,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<UpdatesAnswer> {
  const { kube, git, clock } = sources;
  const objects = await readUpdaterObjects(kube, asked.namespace, signal);
  const declarations = createDeclarations({
    tracked: () =>
      repositoriesOf(objects).map((url) => ({ url, open: () => Promise.resolve(git.open(url)) })),
    async resolve(mirror, revision, _level, limit) {
      await mirror.fetch(limit);
      return (await mirror.resolve(revision, limit)).commit;
    },
  });
  const { known, unread } = await declarations.read('asked', signal);
  const found = configure(objects, [
    ...known.map(({ url, file }) => ({ url, file })),
    ...unread.map(({ url, problem }) => ({ url, problem })),
  ]);
  const { updaters, refused } = chosen(found, asked.application);
  const clients = createRegistryClients(kube, sources.registryOptions);
  try {
    const cycle = createCycle(
      clusterSources({
        kube,
        git,
        clients,
        objects: () => objects,
        ledger,
        clock,
        environment,
        template: (text, data) => renderTemplate(text, data),
      }),
    );
    const places = new Map<string, Updater[]>();
    for (const updater of updaters) {
      const place = placeOf(updater);
      places.set(place, [...(places.get(place) ?? []), updater]);
    }
    const reports = await mapBounded([...places.values()], PLACES_AT_ONCE, (group) =>
      cycle.run(group, { dryRun: asked.dryRun }, signal),
    );
    const order = new Map(updaters.map(({ key }, index) => [key, index]));
    return {
      refused,
      reports: reports
        .flat()
        .toSorted((a, b) => (order.get(a.updater.key) ?? 0) - (order.get(b.updater.key) ?? 0)),
    };
  } finally {
    clients.close();
  }
}

function repositoriesOf({ applications, flux }: UpdaterObjects): readonly string[] {
  const urls = [
    ...applications.flatMap((application) =>
      applicationSpec(application)
        .sources.filter(({ chart }) => chart === undefined)
        .map(({ repoURL }) => repoURL),
    ),
    ...flux.gitRepositories.map((each) => getString(each, 'spec', 'url') ?? ''),
  ];
  return [...new Set(urls.filter((url) => url !== ''))];
}

/** Those of one application; a name that nothing is configured for answers with the nearest. */
function chosen(
  found: { readonly updaters: readonly Updater[]; readonly refused: readonly RefusedRule[] },
  name: string | undefined,
): { readonly updaters: readonly Updater[]; readonly refused: readonly RefusedRule[] } {
  if (name === undefined) return found;
  const updaters = found.updaters.filter(
    ({ application, covers = [] }) =>
      application.name === name || covers.some((covered) => covered.name === name),
  );
  const refused = found.refused.filter(({ application }) => application.name === name);
  if (updaters.length + refused.length > 0) return { updaters, refused };
  const names = [...found.updaters, ...found.refused].map(({ application }) => application.name);
  const near = nearest(name, names);
  throw new LandfallError(`No image of '${name}' is kept up to date.`, {
    kind: 'not-found',
    code: 'no-updates',
    object: name,
    hint:
      near.length > 0
        ? `Did you mean ${near.join(', ')}?`
        : 'Say which in updates of landfall.yaml, or with annotations of Argo CD Image Updater.',
  });
}
