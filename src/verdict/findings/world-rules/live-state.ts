import { getArray, getString, jsonEqual, textOf } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import { repositoryOf, tagOf } from './digests.ts';
import { counted, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'Rollout'] as const;

/** LIV-10: an object that is to go and stays. */
function stuckDeletions(view: View): Draft[] {
  const now = Date.parse(view.world.at ?? '');
  return view.live.flatMap((thing): Draft[] => {
    const since = thing.text('metadata', 'deletionTimestamp');
    const finalizers = getArray(thing.get('metadata', 'finalizers')).filter(
      (item) => typeof item === 'string',
    );
    const age = now - Date.parse(since ?? '');
    if (
      since === undefined ||
      thing.kind === 'Namespace' ||
      finalizers.length === 0 ||
      (!Number.isNaN(age) && age < 60_000)
    )
      return [];
    return [
      {
        failure: 'LIV-10',
        id: 'deletion-stuck',
        boundary: 'live',
        title: `${thing.id} is being deleted since ${since} and waits for ${textOf(finalizers[0])}`,
        confidence: 0.93,
        why: [
          'A finalizer holds the object until its controller has done its part; a new one of that name cannot be created before.',
        ],
        claims: [
          view.about('live', thing, 'deletionTimestamp', since, 'metadata', 'deletionTimestamp'),
          view.about('live', thing, 'finalizers', finalizers.join(', '), 'metadata', 'finalizers'),
        ],
        misleading: [['"unchanged" or "already exists"', 'of an object that is on its way out']],
        now: [
          'Mend the controller whose finalizer it is; remove the finalizer only as the last resort.',
          `kubectl get ${thing.ref}${thing.n} -o jsonpath='{.metadata.finalizers}'`,
        ],
        lasting: ['An alert on the age of deletionTimestamp.'],
        verify: [`kubectl get ${thing.ref}${thing.n}`],
        space: thing.namespace,
      },
    ];
  });
}

/** LIV-10: a namespace that is to go, and what of it stays. */
function stuckNamespaces(view: View): Draft[] {
  return view.kind('Namespace').flatMap((thing): Draft[] => {
    const held = thing
      .list('status', 'conditions')
      .filter(
        (item) =>
          /^Namespace(?:FinalizersRemaining|ContentRemaining|DeletionContentFailure|DeletionDiscoveryFailure|DeletionGroupVersionParsingFailure)$/.test(
            getString(item, 'type') ?? '',
          ) && getString(item, 'status') === 'True',
      );
    if (thing.text('status', 'phase') !== 'Terminating') return [];
    return [
      {
        failure: 'LIV-10',
        id: 'deletion-stuck',
        boundary: 'live',
        title: `the namespace ${thing.name} is being deleted and does not go`,
        // How long it has been going, a table does not say.
        confidence: held.length > 0 ? 0.93 : 0.5,
        why:
          held.length === 0
            ? ['Nothing can be created in it any more; what holds it, its conditions say.']
            : held.map((item) => quote(getString(item, 'message') ?? getString(item, 'reason') ?? '')),
        claims:
          held.length === 0
            ? [view.about('live', thing, 'phase', 'Terminating', 'status', 'phase')]
            : held.map((item) =>
                view.about(
                  'live',
                  thing,
                  getString(item, 'type') ?? '',
                  getString(item, 'message') ?? '',
                  'status',
                  'conditions',
                ),
              ),
        misleading: [
          ['its objects are still shown', 'they are on their way out; nothing new can be created'],
        ],
        now: [
          'Bring back whoever has to remove the finalizers (or the API that does not answer), then it goes by itself.',
          `kubectl get namespace ${thing.name} -o yaml`,
          'kubectl get apiservices',
        ],
        lasting: ['Delete objects before the controllers that have to clean up after them.'],
        symptom: held.length === 0,
        verify: [`kubectl get namespace ${thing.name}`],
      },
    ];
  });
}

const HANDS =
  /^kubectl-(?:edit|patch|set|scale|client-side-apply|annotate|label|rollout)$|^(?:Mozilla|OpenLens|k9s|lens|dashboard|node-fetch|okhttp)/i;

/** Whether an overlay that is shown sets what the cluster holds: a base alone does not say what Git asks for. */
function overridden(view: View): (git: string | undefined, cluster: JsonValue, name: string) => boolean {
  const overlays = view.world.files.filter(({ kind }) => kind === 'kustomization');
  return (git, cluster, name) =>
    overlays.some(({ value }) => {
      const images = getArray(value, 'images').some((entry) => {
        const from = getString(entry, 'name') ?? '';
        if (git === undefined || typeof cluster !== 'string' || repositoryOf(from) !== repositoryOf(git))
          return false;
        const to = getString(entry, 'newName') ?? from;
        const tag = textOf((entry as Record<string, JsonValue>)['newTag']);
        const digest = getString(entry, 'digest');
        return (
          repositoryOf(to) === repositoryOf(cluster) &&
          (tag === '' || tagOf(cluster) === tag) &&
          (digest === undefined || cluster.includes(digest))
        );
      });
      const counts = getArray(value, 'replicas').some(
        (entry) =>
          getString(entry, 'name') === name &&
          jsonEqual((entry as Record<string, JsonValue>)['count'] ?? null, cluster),
      );
      return images || counts;
    });
}

/** LIV-09, REC-12, REC-13: the cluster holds something else than Git asks for. */
function drift(view: View): Draft[] {
  return view.desired.flatMap((wanted): Draft[] => {
    if (!WORKLOADS.some((kind) => kind === wanted.kind)) return [];
    const live = view.find(wanted.kind, wanted.namespace, wanted.name);
    if (live === undefined) return [];
    const scaled = view
      .declared('HorizontalPodAutoscaler', 'ScaledObject')
      .some((hpa) => hpa.text('spec', 'scaleTargetRef', 'name') === wanted.name);
    const differing: { path: readonly (string | number)[]; name: string; git: string; cluster: string }[] =
      [];
    const told = overridden(view);
    const compare = (path: readonly (string | number)[], name: string, cluster: JsonValue | undefined) => {
      const git = wanted.get(...path);
      const says = (value: JsonValue) => told(typeof git === 'string' ? git : undefined, value, wanted.name);
      if (git !== undefined && cluster !== undefined && !jsonEqual(git, cluster) && !says(cluster))
        differing.push({ path, name, git: JSON.stringify(git), cluster: JSON.stringify(cluster) });
    };
    if (!scaled && live.get('spec', 'replicas') !== 0)
      compare(['spec', 'replicas'], 'replicas', live.get('spec', 'replicas'));
    const liveContainers = live.list('spec', 'template', 'spec', 'containers');
    for (const [index, container] of wanted.list('spec', 'template', 'spec', 'containers').entries()) {
      const name = getString(container, 'name');
      const stored = liveContainers.find((item) => getString(item, 'name') === name);
      if (stored === undefined) continue;
      for (const field of ['image', 'command', 'args'] as const)
        compare(
          ['spec', 'template', 'spec', 'containers', index, field],
          `${name ?? ''}.${field}`,
          stored[field],
        );
    }
    if (differing.length === 0) return [];
    const hands = live
      .list('metadata', 'managedFields')
      .filter((entry) => HANDS.test(getString(entry, 'manager') ?? ''));
    const writer = hands.at(-1);
    const engine = view.world.engines.find(({ sync }) => sync !== undefined);
    const synced = engine?.sync === 'Synced';
    const app = view.kind('Application').find((thing) => thing.text('status', 'sync', 'status') === 'Synced');
    const ignored = synced || app !== undefined;
    const [first] = differing;
    return [
      {
        failure: ignored ? 'REC-13' : 'LIV-09',
        id: ignored ? 'synced-although-different' : 'live-drift',
        boundary: 'live',
        title: `${live.id} is not what Git asks for: ${first?.name ?? ''} is ${quote(first?.cluster ?? '')}, Git says ${quote(first?.git ?? '')}`,
        confidence: writer === undefined ? 0.78 : 0.92,
        why: [
          ...(writer === undefined
            ? []
            : [
                `${getString(writer, 'manager') ?? ''} wrote it${getString(writer, 'time') === undefined ? '' : ` at ${getString(writer, 'time') ?? ''}`}.`,
              ]),
          ignored
            ? 'The engine calls it Synced: a rule of its comparison leaves the field out.'
            : 'It was changed in the cluster after the sync, or never applied; the next sync may undo it.',
        ],
        claims: differing
          .slice(0, 10)
          .flatMap(({ path, name, git, cluster }) => [
            view.about('intent', wanted, name, git, ...path),
            view.about('live', live, name, cluster, ...path),
          ]),
        misleading: [
          [
            ignored ? 'Synced, the diff is empty' : 'the service works',
            ignored ? 'the comparison does not look at that field' : 'with a change that Git does not know',
          ],
        ],
        now: [
          'Decide whether Git or the cluster is right: accept it into Git, or sync.',
          'landfall drift APP',
        ],
        lasting: [
          'Self-heal or an alert that names who wrote it; image, command, environment, ports and selectors are not to be ignored.',
        ],
        verify: [`kubectl get ${live.ref}${live.n} -o yaml --show-managed-fields`],
        can: 'sync',
        space: live.namespace,
      },
    ];
  });
}

/** REC-15: an object of the delivery that Git no longer has. */
function leftovers(view: View): Draft[] {
  return view.kind('Application').flatMap((app): Draft[] => {
    const left = app.list('status', 'resources').filter((item) => item['requiresPruning'] === true);
    const [first] = left;
    const skipped = app
      .list('status', 'operationState', 'syncResult', 'resources')
      .filter((item) => getString(item, 'status') === 'PruneSkipped');
    const item = first ?? skipped[0];
    if (item === undefined) return [];
    const all = first === undefined ? skipped : left;
    return [
      {
        failure: 'REC-15',
        id: 'not-pruned',
        boundary: 'sync',
        title: `${counted(all.length, 'object')} that Git no longer has still act${all.length === 1 ? 's' : ''}: ${getString(item, 'kind') ?? ''}/${getString(item, 'name') ?? ''}`,
        confidence: 0.9,
        why: ['Pruning is off or was skipped, so what is removed from Git stays in the cluster.'],
        claims: all
          .slice(0, 10)
          .map((resource) =>
            view.about(
              'sync',
              app,
              'requiresPruning',
              `${getString(resource, 'kind') ?? ''}/${getString(resource, 'name') ?? ''}`,
              'status',
              'resources',
            ),
          ),
        misleading: [['Synced or merely OutOfSync', 'the old object goes on working']],
        now: ['Prune it.', `argocd app sync ${app.name} --prune`],
        lasting: ['Prune automatically, and report what a release leaves behind.'],
        verify: [
          `kubectl get ${(getString(item, 'kind') ?? 'all').toLowerCase()} ${getString(item, 'name') ?? ''} -n ${getString(item, 'namespace') ?? 'NAMESPACE'}`,
        ],
        can: 'sync',
        space: getString(item, 'namespace'),
      },
    ];
  });
}

/** The same, as `argocd app get` prints it. */
function leftoversTold(view: View): Draft[] {
  return view.world.engines.flatMap((engine): Draft[] => {
    const told = engine.messages.filter((text) =>
      /requires pruning|PruneSkipped|ignored \(.*prun/i.test(text),
    );
    const [first] = told;
    if (
      first === undefined ||
      view.kind('Application').some((app) => app.list('status', 'resources').length > 0)
    )
      return [];
    const named = /^(?<kind>\w+)\/(?<name>[\w.-]+)/.exec(first)?.groups;
    return [
      {
        failure: 'REC-15',
        id: 'not-pruned',
        boundary: 'sync',
        title: `${counted(told.length, 'object')} that Git no longer has still act${told.length === 1 ? 's' : ''}: ${named === undefined ? quote(first) : `${named['kind'] ?? ''}/${named['name'] ?? ''}`}`,
        confidence: 0.88,
        why: [
          quote(first),
          'Pruning is off or was skipped, so what is removed from Git stays in the cluster.',
        ],
        claims: told
          .slice(0, 10)
          .map((text) => view.claim('sync', engine.application, 'message', text, engine.source)),
        misleading: [['Synced or merely OutOfSync', 'the old object goes on working']],
        now: ['Prune it.', `argocd app sync ${engine.application} --prune`],
        lasting: ['Prune automatically, and report what a release leaves behind.'],
        verify: [`argocd app get ${engine.application}`],
        can: 'sync',
        space: engine.destination,
      },
    ];
  });
}

/** LIV-09, LIV-10, REC-13, REC-15: the cluster holds something else than Git asks for. */
export const liveStateRule: WorldRule = (view) => [
  ...stuckDeletions(view),
  ...stuckNamespaces(view),
  ...drift(view),
  ...leftovers(view),
  ...leftoversTold(view),
];
