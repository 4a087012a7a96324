import { getString } from '../../../kernel/index.ts';
import { groupBy } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import { complained, draftsOf } from './told.ts';
import type { Row } from './told.ts';
import type { View } from './view.ts';

const ROWS: readonly Row[] = [
  {
    failure: 'INT-01',
    id: 'path-or-revision-missing',
    boundary: 'intent',
    pattern:
      /(?<path>\S+): app path does not exist|(?:kustomization )?path not found|unable to resolve '(?<revision>[^']+)' to a commit SHA|couldn't find remote ref (?<ref>\S+)|stat \S*(?<stat>\/[\w./-]+): no such file or directory/,
    title: (g) =>
      `the engine tracks ${g['path'] ?? g['revision'] ?? g['ref'] ?? g['stat'] ?? 'a path or revision'}, which Git does not have`,
    confidence: 0.95,
    why: 'The commit may be merged, and still not stand where the engine looks: another branch, tag or folder.',
    misleading: [['the pull request is merged', 'into something that this engine does not read']],
    now: () => [
      'Correct path or revision of the application, or merge to what it tracks.',
      'git ls-tree -d REVISION -- PATH',
    ],
    lasting: 'Prove landings by commit: resolve the tracked revision and its paths for every environment.',
    verify: () => ['git merge-base --is-ancestor COMMIT REVISION'],
    can: 'commit',
  },
  {
    failure: 'REC-01',
    id: 'source-unreadable',
    boundary: 'sync',
    pattern:
      /authentication (?:required|failed|error)|could not read (?:Username|Password)|invalid username or (?:password|token)|permission denied \(publickey|failed to list refs|repository not found|knownhosts: key (?:mismatch|is unknown)|Host key verification failed|GitOperationFailed|AuthenticationFailed|failed to checkout and determine revision|unable to clone|ssh: handshake failed|failed to (?:fetch|clone|download) .*(?:git|repo|chart|artifact)|(?:dial tcp|lookup).*(?:git|repo)/i,
    title: (_g, { who }) => `${who}: the source cannot be fetched`,
    confidence: 0.94,
    why: 'The engine keeps working with the last revision that it has; nothing after it is known to it.',
    misleading: [
      ['Synced and Healthy', 'compared with the old revision, the last one that could be fetched'],
    ],
    now: () => [
      'Ask the Git server with the credential that the engine has; renew it, or correct URL and known hosts.',
      'git ls-remote REPOSITORY REVISION',
    ],
    lasting:
      'An alert when the head of the branch is not what the engine has seen for longer than two intervals.',
    verify: () => ['kubectl get gitrepositories,applications -A'],
  },
  {
    failure: 'REC-09',
    id: 'hook-failed',
    boundary: 'sync',
    pattern:
      /waiting for completion of hook (?<hook>\S+)|(?<!web)\bhook (?<failed>[\w./-]+)\b.*fail|(?:pre|post)-(?:install|upgrade) hooks? failed|failed (?:pre|post)-(?:install|upgrade)|one or more synchronization tasks (?:completed unsuccessfully|are not valid).*hook|Job has reached the specified backoff limit/i,
    title: (g, { who }) =>
      `${who}: the hook ${g['hook'] ?? g['failed'] ?? ''} does not end well, and the rest waits behind it`.replace(
        '  ',
        ' ',
      ),
    confidence: 0.9,
    why: 'What runs before the sync has to succeed first; the main objects have not been touched.',
    misleading: [['Healthy', 'the old version is, while the operation still runs or has failed']],
    now: (_g, n) => [
      'Read the log of the hook Job of this revision, mend it, delete the failed Job and sync again.',
      `kubectl get jobs${n}`,
      `kubectl logs${n} job/JOB`,
    ],
    lasting:
      'Migrations that may run twice, with activeDeadlineSeconds, and a look at the operation, not at health alone.',
    verify: (_g, n) => [`kubectl get jobs${n}`],
    can: 'sync',
  },
];

/** INT-03: somebody has told the engine to do nothing. */
function suspended(view: View): Draft[] {
  const drafts: Draft[] = [];
  for (const engine of view.world.engines) {
    if (engine.suspended !== true) continue;
    // Argo CD without automated sync is a choice; it holds something back only while there is something to bring.
    const waits =
      engine.sync === 'OutOfSync' && !/^(?:Failed|Error|Running)$/.test(engine.operation?.phase ?? '');
    if (engine.engine === 'Argo CD' && !waits) continue;
    drafts.push(
      held(
        view,
        `${engine.engine} ${engine.application}`,
        'suspended',
        'true',
        engine.source,
        engine.engine === 'Argo CD'
          ? `argocd app sync ${engine.application}`
          : `flux resume kustomization ${engine.application.split('/').at(-1) ?? ''}`,
      ),
    );
  }
  for (const thing of view.kind(
    'Kustomization',
    'HelmRelease',
    'GitRepository',
    'ImageUpdateAutomation',
    'OCIRepository',
  )) {
    if (thing.get('spec', 'suspend') === true)
      drafts.push(
        held(
          view,
          thing.id,
          'spec.suspend',
          'true',
          thing.cite('spec', 'suspend'),
          `flux resume ${thing.kind.toLowerCase()} ${thing.name}${thing.n}`,
        ),
      );
  }
  for (const thing of view.kind('Application')) {
    const out = thing.text('status', 'sync', 'status') === 'OutOfSync';
    const skip = thing.text('metadata', 'annotations', 'argocd.argoproj.io/skip-reconcile');
    const manual = thing.whole && thing.map('spec', 'syncPolicy', 'automated') === undefined;
    const running = thing.text('status', 'operationState', 'phase');
    const applied = thing.text('status', 'operationState', 'syncResult', 'revision');
    // What had been applied and was changed since is drift, whoever syncs.
    const drifted = running === 'Succeeded' && applied === thing.text('status', 'sync', 'revision');
    if (skip === 'true')
      drafts.push(
        held(
          view,
          thing.id,
          'skip-reconcile',
          skip,
          thing.cite('metadata', 'annotations'),
          `kubectl annotate ${thing.ref}${thing.n} argocd.argoproj.io/skip-reconcile-`,
        ),
      );
    else if (
      out &&
      manual &&
      !drifted &&
      running !== 'Failed' &&
      running !== 'Error' &&
      running !== 'Running'
    )
      drafts.push(
        held(
          view,
          thing.id,
          'spec.syncPolicy',
          'no automated sync, and OutOfSync',
          thing.cite('spec', 'syncPolicy'),
          `landfall sync ${thing.name}${thing.n}`,
        ),
      );
  }
  for (const { text, by, source, namespace } of view.complaints)
    if (/sync window|blocked by sync window|cannot sync: .*window/i.test(text))
      drafts.push({
        ...held(view, by, 'sync window', text, source, `argocd app sync ${by.split('/').at(-1) ?? ''}`),
        space: namespace,
      });
  return drafts;
}

function held(
  view: View,
  who: string,
  attribute: string,
  value: string,
  source: Parameters<View['claim']>[4],
  command: string,
): Draft {
  return {
    failure: 'INT-03',
    id: 'reconciliation-suspended',
    boundary: 'sync',
    title: `${who} is told not to deliver (${attribute})`,
    confidence: 0.9,
    why: [
      'Nothing is wrong with the commit: whoever applies it has been stopped, by hand, by policy or by a window, and has not been let go.',
    ],
    claims: [view.claim('sync', who, attribute, value, source)],
    misleading: [['Healthy', 'the version of before is']],
    now: ['Ask who stopped it and why, then resume or sync by hand.', command],
    lasting: ['A suspension needs an owner and an end date; an alert on what is OutOfSync for long.'],
    verify: [command.startsWith('flux') ? 'flux get all -A' : 'kubectl get applications -A'],
    can: 'sync',
  };
}

/** REC-10: an operation retries an old revision while a newer one waits. */
function pinnedRetry(view: View): Draft[] {
  return view.kind('Application').flatMap((thing) => {
    const phase = thing.text('status', 'operationState', 'phase');
    const tried =
      thing.text('status', 'operationState', 'operation', 'sync', 'revision') ??
      thing.text('status', 'operationState', 'syncResult', 'revision');
    const now = thing.text('status', 'sync', 'revision');
    const retries = thing.number('status', 'operationState', 'retryCount') ?? 0;
    if (phase !== 'Running' || tried === undefined || now === undefined || tried === now || retries < 1)
      return [];
    return [
      {
        failure: 'REC-10',
        id: 'retry-of-old-revision',
        boundary: 'sync' as const,
        title: `${thing.name} goes on trying ${tried.slice(0, 8)} while Git is at ${now.slice(0, 8)}`,
        confidence: 0.93,
        why: [
          `The operation has retried ${retries} times. It is bound to the revision that it began with; what was committed since, the fix too, waits behind it.`,
        ],
        claims: [
          view.about('sync', thing, 'operation revision', tried, 'status', 'operationState'),
          view.about('sync', thing, 'compared revision', now, 'status', 'sync', 'revision'),
        ],
        misleading: [['Syncing', 'looks like progress; it is the same failure again'] as const],
        now: [
          'End the operation and sync the head.',
          `argocd app terminate-op ${thing.name}`,
          `argocd app sync ${thing.name}`,
        ] as const,
        lasting: ['Let a newer revision end an operation of an older one.'] as const,
        verify: [
          `kubectl get ${thing.ref}${thing.n} -o jsonpath='{.status.operationState.syncResult.revision}'`,
        ],
        can: 'sync' as const,
        space: thing.text('spec', 'destination', 'namespace'),
      },
    ];
  });
}

const CONTROLLER =
  /^(?:argocd-(?:application-controller|repo-server|applicationset-controller)|(?:kustomize|helm|source|image-automation|image-reflector)-controller)(?=-|$)/;

/** REC-02: the status is older than the commit it should speak of, or its controller does not work. */
function stale(view: View): Draft[] {
  const drafts: Draft[] = [];
  for (const thing of view.kind('Kustomization', 'HelmRelease', 'GitRepository')) {
    const asked = thing.text('metadata', 'annotations', 'reconcile.fluxcd.io/requestedAt');
    const handled = thing.text('status', 'lastHandledReconcileAt');
    const generation = thing.number('metadata', 'generation');
    const observed = thing.number('status', 'observedGeneration');
    const behind =
      generation !== undefined && observed !== undefined && observed >= 0 && observed < generation;
    if (!behind && (asked === undefined || handled === undefined || asked === handled)) continue;
    drafts.push(
      staleDraft(thing.id, [
        view.about(
          'sync',
          thing,
          'observedGeneration',
          `${observed ?? ''} of ${generation ?? ''}, handled ${handled ?? 'never'} of ${asked ?? 'none asked'}`,
          'status',
        ),
      ]),
    );
  }
  const controllers = view
    .kind('Deployment', 'StatefulSet')
    .filter(({ name }) =>
      /^(?:argocd-(?:application-controller|repo-server)|(?:kustomize|helm|source)-controller)$/.test(name),
    );
  for (const thing of controllers) {
    const wanted = thing.number('spec', 'replicas') ?? 1;
    const ready = thing.number('status', 'readyReplicas') ?? (thing.whole ? 0 : undefined);
    if (ready === undefined || ready > 0) continue;
    drafts.push(
      staleDraft(thing.id, [view.about('sync', thing, 'ready', `0/${wanted}`, 'status', 'readyReplicas')]),
    );
  }
  return drafts;
}

/** Pods of the engine's own controllers that do not work. */
function deadControllers(view: View): Draft[] {
  const groups = groupBy(view.pods, (pod) => CONTROLLER.exec(pod.name)?.[0]);
  return [...groups].flatMap(([name, pods]) =>
    pods.some((pod) => pod.ready !== false)
      ? []
      : [
          {
            ...staleDraft(
              name,
              pods.map((pod) => view.about('sync', pod.thing, 'ready', 'false', 'status', 'conditions')),
            ),
            title: `${name} does not work, so nobody delivers`,
            confidence: 0.9,
          },
        ],
  );
}

function staleDraft(who: string, claims: Draft['claims']): Draft {
  return {
    failure: 'REC-02',
    id: 'controller-behind',
    boundary: 'sync',
    title: `${who} has not looked since the change: its status is old`,
    confidence: 0.85,
    why: [
      'A status says what was true when it was written. The controller has not answered the last request, or does not run.',
    ],
    claims,
    misleading: [['a green status', 'it is simply old']],
    now: [
      'Bring the controller back, then ask it to look again.',
      'kubectl get pods -n argocd -o wide',
      'kubectl get pods -n flux-system -o wide',
    ],
    lasting: [
      'Every status carries when and for which revision it was written; what is too old is unknown, not green.',
    ],
    verify: ['kubectl get leases -A'],
    can: 'sync',
  };
}

/** REC-11: the last release record of Helm says that an operation is under way. */
function helmPending(view: View): Draft[] {
  const told = view.world.engines.flatMap((engine): Draft[] => {
    if (engine.engine !== 'Helm' || engine.sync?.startsWith('pending-') !== true) return [];
    const n = engine.destination === undefined ? '' : ` -n ${engine.destination}`;
    return [
      {
        failure: 'REC-11',
        id: 'helm-pending',
        boundary: 'sync',
        title: `the Helm release ${engine.application} is stuck in ${engine.sync}`,
        // It may be under way just now; nothing in a list tells.
        confidence: 0.6,
        why: [
          'Helm writes "pending" before it works. A client that was killed leaves it there, and every later operation waits for it.',
        ],
        claims: [view.claim('sync', engine.application, 'status', engine.sync, engine.source)],
        misleading: [['the revision before still serves', 'it is not the one that was asked for']],
        now: [
          'Make sure that no Helm client runs, then go back to the last deployed revision.',
          `helm history ${engine.application}${n}`,
          `helm rollback ${engine.application}${n}`,
        ],
        lasting: ['Let one owner run Helm, and give cancelled jobs time to end it.'],
        verify: [`helm status ${engine.application}${n}`],
        space: engine.destination,
      },
    ];
  });
  const stored = view.kind('Secret').flatMap((thing) => {
    const status = getString(thing.get('metadata', 'labels'), 'status');
    const owner = getString(thing.get('metadata', 'labels'), 'owner');
    if (owner !== 'helm' || status?.startsWith('pending-') !== true) return [];
    const release = getString(thing.get('metadata', 'labels'), 'name') ?? 'RELEASE';
    return [
      {
        failure: 'REC-11',
        id: 'helm-pending',
        boundary: 'sync' as const,
        title: `the Helm release ${release} is stuck in ${status}`,
        confidence: 0.8,
        why: [
          'Helm writes "pending" before it works. A client that was killed leaves it there, and every later operation waits for it.',
        ],
        claims: [view.about('sync', thing, 'status', status, 'metadata', 'labels', 'status')],
        misleading: [['the revision before still serves', 'it is not the one that was asked for'] as const],
        now: [
          'Make sure that no Helm client runs, then go back to the last deployed revision.',
          `helm history ${release}${thing.n}`,
          `helm rollback ${release}${thing.n}`,
        ] as const,
        lasting: ['Let one owner run Helm, and give cancelled jobs time to end it.'] as const,
        verify: [`helm status ${release}${thing.n}`],
        space: thing.namespace,
      },
    ];
  });
  return [...told.slice(0, 1), ...stored];
}

/** INT-01, INT-03, REC-01, REC-02, REC-09, REC-10, REC-11: between Git and the engine. */
export const sourceRule: WorldRule = (view) => [
  ...draftsOf(ROWS, complained(view)),
  ...suspended(view),
  ...pinnedRetry(view),
  ...stale(view),
  ...deadControllers(view),
  ...helmPending(view),
];
