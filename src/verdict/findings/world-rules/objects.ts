import {
  getArray,
  getNumber,
  getObject,
  getString,
  isJsonObject,
  jsonEqual,
  textOf,
} from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import { maskedFailures } from './masking.ts';
import { counted, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';
import type { View } from './view.ts';

const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'Rollout'] as const;
const RESIDUE = /\$\{[A-Za-z_][\w.]*(?::[-=?][^}]*)?\}|\{\{[^}]*\}\}|<no value>|%!s\(<nil>\)/;

/** Every text of a value with its path, at most so many: objects may be large. */
function* texts(
  value: JsonValue | undefined,
  path: readonly (string | number)[] = [],
  depth = 0,
): Generator<readonly [readonly (string | number)[], string]> {
  if (depth > 24) return;
  if (typeof value === 'string') yield [path, value];
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* texts(item, [...path, index], depth + 1);
  else if (isJsonObject(value))
    for (const [key, item] of Object.entries(value)) yield* texts(item, [...path, key], depth + 1);
}

/** REN-06: variables that nobody filled in. Arguments and scripts may mean their braces, images and names cannot. */
function unresolved(view: View): Draft[] {
  const drafts: Draft[] = [];
  for (const object of view.desired) {
    const found: { path: readonly (string | number)[]; text: string }[] = [];
    for (const part of ['metadata', 'spec', 'data'] as const) {
      for (const [path, text] of texts(object.get(part), [part])) {
        const field = path.findLast((step) => typeof step === 'string');
        const means =
          part === 'data' ||
          /^(?:command|args|last-applied)/.test(String(field)) ||
          path.includes('command') ||
          path.includes('args') ||
          path.includes('annotations') ||
          /\$\{\d/.test(text);
        const emptyImage = field === 'image' && (text === '' || /[:@]$|^:/.test(text));
        if ((RESIDUE.test(text) && !(means && !/<no value>/.test(text))) || emptyImage)
          found.push({ path, text });
      }
    }
    const [first] = found;
    if (first === undefined || /^(?:ConfigMap|Secret|CustomResourceDefinition)$/.test(object.kind)) continue;
    drafts.push({
      failure: 'REN-06',
      id: 'variable-unresolved',
      boundary: 'render',
      title: `${object.id} has a variable that nobody filled in: ${quote(first.text)}`,
      confidence: 0.93,
      why: [
        `${counted(found.length, 'field')} of the rendered object still hold${found.length === 1 ? 's' : ''} a placeholder or are empty where a value belongs.`,
      ],
      claims: found
        .slice(0, 10)
        .map(({ path, text }) => view.about('render', object, path.join('.'), text, ...path)),
      misleading: [['it parses as valid YAML', 'so does a placeholder']],
      now: [
        'Give the variable its value, in Git or in the substitution of the engine.',
        'landfall render DIR',
      ],
      lasting: [
        'Strict substitution, and a check that rendered manifests hold no placeholders (landfall check).',
      ],
      verify: ["landfall render DIR | grep -nE '\\$\\{|\\{\\{|<no value>'"],
      can: 'commit',
      space: object.namespace,
    });
  }
  return drafts;
}

/** REN-08: objects that land in another namespace than the rest. */
function strayNamespaces(view: View): Draft[] {
  const placed = view.desired.filter(
    (thing) =>
      thing.namespace !== undefined &&
      !/^(?:Namespace|ClusterRole|ClusterRoleBinding|CustomResourceDefinition|Application|Kustomization)$/.test(
        thing.kind,
      ),
  );
  const inDefault = placed.filter(({ namespace }) => namespace === 'default');
  const targets = new Set(view.world.engines.flatMap(({ destination }) => destination ?? []));
  const [first] = inDefault;
  if (first === undefined || targets.has('default') || inDefault.length === placed.length) return [];
  return [
    {
      failure: 'REN-08',
      id: 'namespace-astray',
      boundary: 'render',
      title: `${counted(inDefault.length, 'object')} (${first.id}) go to the namespace default, the others to ${placed.find(({ namespace }) => namespace !== 'default')?.namespace ?? ''}`,
      confidence: 0.75,
      why: [
        'A transformer or a chart that does not set the namespace leaves objects where the apply happens to be.',
      ],
      claims: inDefault.map((thing) =>
        view.about('render', thing, 'namespace', 'default', 'metadata', 'namespace'),
      ),
      misleading: [['the sync succeeded', 'in the wrong namespace']],
      now: ['Set the namespace in Git, and remove the strays.', 'kubectl get all -n default'],
      lasting: [
        'A list of the identities that an environment may have, and a policy against the namespace default.',
      ],
      verify: ['landfall render DIR | grep -n namespace:'],
      can: 'commit',
      space: undefined,
    },
  ];
}

function configRefs(
  thing: Thing,
): readonly { readonly kind: 'ConfigMap' | 'Secret'; readonly name: string; readonly env: boolean }[] {
  const found: { kind: 'ConfigMap' | 'Secret'; name: string; env: boolean }[] = [];
  for (const container of [
    ...thing.list('spec', 'template', 'spec', 'containers'),
    ...thing.list('spec', 'template', 'spec', 'initContainers'),
  ]) {
    for (const from of getArray(container, 'envFrom')) {
      for (const [key, kind] of [
        ['configMapRef', 'ConfigMap'],
        ['secretRef', 'Secret'],
      ] as const) {
        const name = getString(from, key, 'name');
        if (name !== undefined) found.push({ kind, name, env: true });
      }
    }
    for (const item of getArray(container, 'env')) {
      for (const [key, kind] of [
        ['configMapKeyRef', 'ConfigMap'],
        ['secretKeyRef', 'Secret'],
      ] as const) {
        const name = getString(item, 'valueFrom', key, 'name');
        if (name !== undefined) found.push({ kind, name, env: true });
      }
    }
  }
  return found;
}

/** REN-03, HEA-03: containers that read a configuration into their environment before it changed. */
function staleConfiguration(view: View): Draft[] {
  return view.kind('Deployment', 'StatefulSet', 'DaemonSet').flatMap((thing): Draft[] => {
    const pods = view.podsOf(thing).filter((pod) => !pod.terminating);
    const started = pods
      .map((pod) => ({ pod, at: Date.parse(pod.created ?? '') }))
      .filter(({ at }) => !Number.isNaN(at));
    return [...new Map(configRefs(thing).map((ref) => [`${ref.kind}/${ref.name}`, ref])).values()].flatMap(
      (ref): Draft[] => {
        const config = view.find(ref.kind, thing.namespace, ref.name);
        const written = config
          ?.list('metadata', 'managedFields')
          .filter(
            (entry) =>
              getObject(entry, 'fieldsV1', 'f:data') !== undefined ||
              getObject(entry, 'fieldsV1', 'f:stringData') !== undefined,
          )
          .flatMap((entry) => getString(entry, 'time') ?? [])
          .toSorted()
          .at(-1);
        const at = Date.parse(written ?? '');
        const old = started.filter((item) => item.at < at - 5_000);
        if (config === undefined || Number.isNaN(at) || old.length === 0) return [];
        const secret = ref.kind === 'Secret';
        return [
          {
            failure: secret ? 'HEA-03' : 'REN-03',
            id: secret ? 'secret-older-in-pods' : 'configuration-older-in-pods',
            boundary: 'rollout',
            title: `${ref.kind} ${ref.name} changed, and the pods of ${thing.name} still have what it said before`,
            confidence: 0.92,
            why: [
              `It was written ${written ?? ''}; ${counted(old.length, 'pod')} are older, and read it into their environment when they started. The pod template did not change, so nothing rolled out.`,
            ],
            claims: [
              view.about('live', config, 'written', written ?? '', 'metadata', 'managedFields'),
              ...old.map(({ pod }) =>
                view.about(
                  'rollout',
                  pod.thing,
                  'creationTimestamp',
                  pod.created ?? '',
                  'metadata',
                  'creationTimestamp',
                ),
              ),
            ],
            misleading: [
              ['the sync shows it configured, and all pods are ready', 'with the values of before'],
            ],
            now: ['Restart the pods.', `kubectl rollout restart ${thing.ref}${thing.n}`],
            lasting: [
              'A hash of the configuration in its name (configMapGenerator) or in an annotation of the template.',
            ],
            verify: [`kubectl rollout status ${thing.ref}${thing.n}`, `kubectl get pods${thing.n}`],
            can: 'commit',
            space: thing.namespace,
          },
        ];
      },
    );
  });
}

/** HEA-03: a feature flag or setting that the running version asks for and nobody has. */
function missingFlags(view: View): Draft[] {
  const sample = view.world.samples.find(
    ({ name, labels, value }) =>
      value > 0 &&
      /flag|feature|toggle/.test(name) &&
      Object.values(labels).some((label) => /^(?:not_?found|missing|default|error)$/i.test(label)),
  );
  const line = view.world.logs.find(({ message }) =>
    /feature flag '?"?[\w.-]+"? ?'?.*(?:not found|missing|unknown)|flag .* not found/i.test(message),
  );
  const source = sample?.source ?? line?.source;
  if (source === undefined) return [];
  const flag =
    sample?.labels['flag'] ??
    sample?.labels['feature'] ??
    /flag '?"?(?<flag>[\w.-]+)/i.exec(line?.message ?? '')?.groups?.['flag'] ??
    'a feature flag';
  return [
    {
      failure: 'HEA-03',
      id: 'feature-flag-missing',
      boundary: 'traffic',
      title: `the flag ${flag} is not found by the version that runs`,
      confidence: 0.75,
      why: [
        sample === undefined
          ? quote(line?.message ?? '')
          : `It was asked for ${sample.value} times and not found.`,
        'Either the flag does not exist in this environment, or this version asks for a flag of another one.',
        ...maskedFailures(view.world.samples).map(({ truth }) => `Of the results, ${truth}.`),
      ],
      claims: [
        ...(sample === undefined
          ? []
          : [view.claim('traffic', flag, sample.name, `${sample.value} not found`, sample.source)]),
        ...(line === undefined ? [] : [view.claim('traffic', flag, 'log', line.message, line.source)]),
      ],
      misleading: [
        ['image, rollout and probes are green', 'only one feature is worse, and averages hide it'],
        ...maskedFailures(view.world.samples).map(({ signal, truth }) => [signal, truth] as const),
      ],
      now: [
        'See whether the flag exists for this environment and this version; create it or roll the version that knows it.',
      ],
      lasting: ['A release is image, configuration and flags together.'],
      verify: ['landfall trace APP version'],
      symptom: true,
    },
  ];
}

/** INT-06, HEA-07: autoscalers. */
function autoscalers(view: View): Draft[] {
  return view.declared('HorizontalPodAutoscaler', 'ScaledObject').flatMap((thing): Draft[] => {
    const kind = thing.text('spec', 'scaleTargetRef', 'kind') ?? 'Deployment';
    const name = thing.text('spec', 'scaleTargetRef', 'name');
    const drafts: Draft[] = [];
    const target = view.desired.find(
      (item) =>
        item.kind === kind &&
        item.name === name &&
        (item.namespace === thing.namespace || item.namespace === undefined || thing.namespace === undefined),
    );
    const replicas = target?.number('spec', 'replicas');
    if (target !== undefined && replicas !== undefined) {
      const live = view.find(kind, target.namespace, target.name)?.number('spec', 'replicas');
      drafts.push({
        failure: 'INT-06',
        id: 'replicas-fight-autoscaler',
        boundary: 'intent',
        kind: live !== undefined && live !== replicas ? 'cause' : 'risk',
        title: `Git says ${replicas} replicas for ${target.name}, and ${thing.id} scales it too`,
        confidence: live !== undefined && live !== replicas ? 0.75 : 0.9,
        why: [
          'Each sync sets the number from Git, each measurement of the autoscaler its own: the count goes up and down.',
        ],
        claims: [
          view.about('intent', target, 'spec.replicas', String(replicas), 'spec', 'replicas'),
          view.about('intent', thing, 'scaleTargetRef', `${kind}/${name ?? ''}`, 'spec', 'scaleTargetRef'),
        ],
        misleading: [['the sync is green, and so is SuccessfulRescale', 'they undo each other']],
        now: [
          'Take replicas out of the manifest in Git, and hand the field over so that it is not set to 1.',
          `kubectl get ${kind.toLowerCase()} ${target.name}${target.n} -o yaml --show-managed-fields`,
        ],
        lasting: ['No replicas in Git for what an autoscaler scales (landfall check).'],
        verify: [`kubectl get hpa${thing.n}`],
        can: 'commit',
        space: thing.namespace,
      });
    }
    for (const [index, item] of thing.list('status', 'conditions').entries()) {
      const type = getString(item, 'type');
      const reason = getString(item, 'reason') ?? '';
      const bad =
        (getString(item, 'status') === 'False' &&
          (type === 'ScalingActive' || type === 'AbleToScale') &&
          reason !== 'ScalingDisabled') ||
        (type === 'ScalingLimited' && getString(item, 'status') === 'True' && reason === 'TooManyReplicas');
      if (!bad) continue;
      const capped = reason === 'TooManyReplicas';
      drafts.push({
        failure: 'HEA-07',
        id: capped ? 'autoscaler-capped' : 'autoscaler-blind',
        boundary: 'health',
        kind: capped ? 'risk' : 'cause',
        title: capped
          ? `${thing.id} would scale further and may not: maxReplicas is reached`
          : `${thing.id} cannot compute: ${reason}`,
        confidence: 0.9,
        why: [quote(getString(item, 'message') ?? reason)],
        claims: [
          view.about(
            'health',
            thing,
            type ?? '',
            `${reason}: ${getString(item, 'message') ?? ''}`,
            'status',
            'conditions',
            index,
          ),
        ],
        misleading: [['the pods are healthy', 'until there is load']],
        now: [
          capped
            ? 'Raise maxReplicas in Git, if the cluster has room.'
            : 'Declare requests for every container, or bring the metrics back.',
          `kubectl describe hpa ${thing.name}${thing.n}`,
        ],
        lasting: [
          'Requests for everything that is scaled (landfall check), and an alert on ScalingActive=False.',
        ],
        verify: [`kubectl get hpa ${thing.name}${thing.n}`],
        can: 'commit',
        space: thing.namespace,
      });
      break;
    }
    return drafts;
  });
}

/** HEA-08, REC-09: Jobs and CronJobs. */
function jobs(view: View): Draft[] {
  const failed = view.kind('Job').flatMap((thing): Draft[] => {
    const condition = thing
      .list('status', 'conditions')
      .find((item) => getString(item, 'type') === 'Failed' && getString(item, 'status') === 'True');
    if (condition === undefined) return [];
    const annotations = thing.map('metadata', 'annotations') ?? {};
    const hook = annotations['argocd.argoproj.io/hook'] ?? annotations['helm.sh/hook'];
    return [
      {
        failure: hook === undefined ? 'HEA-08' : 'REC-09',
        id: hook === undefined ? 'job-failed' : 'hook-failed',
        boundary: hook === undefined ? 'health' : 'sync',
        title: `${thing.id} failed: ${getString(condition, 'reason') ?? ''}`,
        confidence: 0.94,
        why: [
          quote(getString(condition, 'message') ?? 'Its pods ended with errors as often as they may.'),
          ...(hook === undefined ? [] : [`It is a ${textOf(hook)} hook: what comes after it waits.`]),
        ],
        claims: [
          view.about('health', thing, 'Failed', getString(condition, 'reason') ?? '', 'status', 'conditions'),
        ],
        misleading: [
          [
            hook === undefined ? 'everything else is healthy' : 'Healthy',
            hook === undefined
              ? 'the work of the Job is not done'
              : 'the old version is; the sync is not over',
          ],
        ],
        now: [
          'Read its log, mend it, delete the failed Job and run it again.',
          `kubectl logs ${thing.ref}${thing.n}`,
          `kubectl delete ${thing.ref}${thing.n}`,
        ],
        lasting: [
          'Work that may be done twice, a deadline (activeDeadlineSeconds), and a check of the outcome.',
        ],
        verify: [`kubectl get ${thing.ref}${thing.n}`],
        can: 'sync',
        space: thing.namespace,
      },
    ];
  });
  const crons = view.kind('CronJob').flatMap((thing): Draft[] => {
    const events = view
      .eventsOf('CronJob', thing.name, thing.namespace)
      .filter(({ reason }) => /FailedNeedsStart|MissSchedule|TooManyMissedTimes/.test(reason));
    const suspended = thing.get('spec', 'suspend') === true;
    const declared = view.wanted(thing)?.get('spec', 'suspend') === true;
    if (events.length === 0 && (!suspended || declared)) return [];
    return [
      {
        failure: 'HEA-08',
        id: 'cron-job-not-running',
        boundary: 'health',
        kind: suspended && events.length === 0 ? 'risk' : 'cause',
        title: suspended ? `${thing.id} is suspended: it does not run` : `${thing.id} has missed its times`,
        confidence: 0.85,
        why: [events.at(-1)?.message ?? 'No run is started while it is suspended.'],
        claims: [
          view.about('health', thing, 'suspend', String(suspended), 'spec', 'suspend'),
          ...events.slice(-1).map((event) => view.ofEvent('health', event)),
        ],
        misleading: [['no failed Job', 'none was started']],
        now: [
          'Resume it, and run it once by hand.',
          `kubectl create job ${thing.name}-now${thing.n} --from=cronjob/${thing.name}`,
        ],
        lasting: ['An alert on the time since the last success.'],
        verify: [`kubectl get cronjob ${thing.name}${thing.n}`],
        space: thing.namespace,
      },
    ];
  });
  return [...failed, ...crons];
}

/** ROL-20, ROL-19: nodes and disruptions. */
function nodes(view: View): Draft[] {
  const evicted = view.pods.filter(
    (pod) =>
      pod.thing.text('status', 'reason') === 'Evicted' ||
      pod.thing
        .list('status', 'conditions')
        .some(
          (item) => getString(item, 'type') === 'DisruptionTarget' && getString(item, 'status') === 'True',
        ),
  );
  const drafts: Draft[] = [];
  const [pod] = evicted;
  const lacking = evicted.some(
    (item) => view.lacksPods(item.workload.kind, item.namespace, item.workload.name) !== false,
  );
  if (pod !== undefined && lacking)
    drafts.push({
      failure: 'ROL-20',
      id: 'pods-evicted',
      boundary: 'health',
      title: `${counted(evicted.length, 'pod')} of ${pod.workload.name} ${evicted.length === 1 ? 'was' : 'were'} evicted`,
      confidence: 0.85,
      why: [
        quote(
          pod.thing.text('status', 'message') ??
            getString(
              pod.thing
                .list('status', 'conditions')
                .find((item) => getString(item, 'type') === 'DisruptionTarget'),
              'message',
            ) ??
            'The node was short of memory or disk, was drained, or made room for something more important.',
        ),
      ],
      claims: evicted.map((item) =>
        view.about(
          'health',
          item.thing,
          'reason',
          item.thing.text('status', 'reason') ?? 'DisruptionTarget',
          'status',
        ),
      ),
      misleading: [['a list of failed pods', 'looks like a failing application']],
      now: [
        'Relieve the node; the pods are made anew elsewhere.',
        'kubectl describe nodes | grep -A 6 Conditions',
        `kubectl delete pods${pod.thing.n} --field-selector status.phase=Failed`,
      ],
      lasting: [
        'Requests that fit the use, a priority, and a disruption budget below the number of replicas.',
      ],
      verify: [`kubectl get pods${pod.thing.n} -o wide`],
      space: pod.namespace,
    });
  for (const budget of view.declared('PodDisruptionBudget')) {
    const selector = budget.map('spec', 'selector', 'matchLabels') ?? {};
    const target = view
      .declared('Deployment', 'StatefulSet')
      .find(
        (thing) =>
          Object.keys(selector).length > 0 &&
          Object.entries(selector).every(
            ([key, value]) => (thing.map('spec', 'template', 'metadata', 'labels') ?? {})[key] === value,
          ) &&
          (thing.namespace === undefined ||
            budget.namespace === undefined ||
            thing.namespace === budget.namespace),
      );
    const replicas = target?.number('spec', 'replicas') ?? (target?.whole === true ? 1 : undefined);
    const least = budget.get('spec', 'minAvailable');
    const most = budget.get('spec', 'maxUnavailable');
    const blocked =
      replicas !== undefined &&
      replicas > 0 &&
      ((typeof least === 'number' && least >= replicas) || least === '100%' || most === 0 || most === '0%');
    if (!blocked || target === undefined) continue;
    drafts.push({
      failure: 'ROL-20',
      id: 'budget-allows-no-disruption',
      boundary: 'rollout',
      kind: 'risk',
      title: `${budget.id} never lets a pod of ${target.name} go: ${least === undefined ? `maxUnavailable ${textOf(most)}` : `minAvailable ${textOf(least)} of ${replicas}`}`,
      confidence: 0.95,
      why: ['No node with such a pod can be drained. A rolling update is not held by it.'],
      claims: [
        view.about(
          'rollout',
          budget,
          least === undefined ? 'maxUnavailable' : 'minAvailable',
          textOf(least ?? most),
          'spec',
          least === undefined ? 'maxUnavailable' : 'minAvailable',
        ),
        view.about('rollout', target, 'replicas', String(replicas), 'spec', 'replicas'),
      ],
      misleading: [['the budget is there', 'it protects against every drain, the wanted ones too']],
      now: [
        'Lower minAvailable below the number of replicas, or raise the replicas, in Git.',
        `kubectl get pdb ${budget.name}${budget.n}`,
      ],
      lasting: ['Hold budgets against replicas before the merge (landfall check).'],
      verify: [`kubectl get pdb ${budget.name}${budget.n} -o jsonpath='{.status.disruptionsAllowed}'`],
      can: 'commit',
      space: budget.namespace,
    });
  }
  for (const node of view.kind('Node')) {
    const bad = node
      .list('status', 'conditions')
      .find(
        (item) =>
          (getString(item, 'type') === 'Ready' && getString(item, 'status') !== 'True') ||
          (/Pressure$/.test(getString(item, 'type') ?? '') && getString(item, 'status') === 'True'),
      );
    const affected = view.pods.filter(
      (item) => item.node === node.name && item.ready !== true && item.phase !== 'Succeeded',
    );
    if (bad === undefined || affected.length === 0) continue;
    drafts.push({
      failure: 'ROL-19',
      id: 'node-not-ready',
      boundary: 'health',
      title: `the node ${node.name} is in trouble: ${getString(bad, 'type') ?? ''} ${getString(bad, 'status') ?? ''}`,
      confidence: 0.88,
      why: [
        `${quote(getString(bad, 'message') ?? getString(bad, 'reason') ?? '')} ${counted(affected.length, 'pod')} on it ${affected.length === 1 ? 'is' : 'are'} not ready.`,
      ],
      claims: [
        view.about(
          'health',
          node,
          getString(bad, 'type') ?? '',
          getString(bad, 'reason') ?? getString(bad, 'status') ?? '',
          'status',
          'conditions',
        ),
        ...affected.map((item) => view.about('health', item.thing, 'Ready', 'False', 'status', 'conditions')),
      ],
      misleading: [['the release is blamed', 'its new pods came to that node']],
      now: ['Cordon and drain it.', `kubectl drain ${node.name} --ignore-daemonsets --delete-emptydir-data`],
      lasting: ['Look at failures by node before looking at them by release.'],
      verify: ['kubectl get nodes'],
    });
  }
  return drafts;
}

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

const HANDS =
  /^kubectl-(?:edit|patch|set|scale|client-side-apply|annotate|label|rollout)$|^(?:Mozilla|OpenLens|k9s|lens|dashboard|node-fetch|okhttp)/i;

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
    const compare = (path: readonly (string | number)[], name: string, cluster: JsonValue | undefined) => {
      const git = wanted.get(...path);
      if (git !== undefined && cluster !== undefined && !jsonEqual(git, cluster))
        differing.push({ path, name, git: JSON.stringify(git), cluster: JSON.stringify(cluster) });
    };
    if (!scaled && live.get('spec', 'replicas') !== 0)
      compare(['spec', 'replicas'], 'replicas', live.get('spec', 'replicas'));
    const liveContainers = live.list('spec', 'template', 'spec', 'containers');
    for (const [index, container] of wanted.list('spec', 'template', 'spec', 'containers').entries()) {
      const name = getString(container, 'name');
      const stored = liveContainers.find((item) => getString(item, 'name') === name);
      if (stored === undefined) continue;
      for (const field of ['image', 'command', 'args', 'env'] as const)
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

/** HEA-10: throttled, by the counters of the kernel. */
function throttled(view: View): Draft[] {
  const total = new Map<string, number>();
  for (const { name, labels, value } of view.world.samples)
    if (name.startsWith('container_cpu_cfs_periods'))
      total.set(`${labels['pod'] ?? ''}/${labels['container'] ?? ''}`, value);
  return view.world.samples.flatMap((sample): Draft[] => {
    if (!sample.name.startsWith('container_cpu_cfs_throttled_periods')) return [];
    const all = total.get(`${sample.labels['pod'] ?? ''}/${sample.labels['container'] ?? ''}`) ?? 0;
    if (all < 100 || sample.value / all < 0.25) return [];
    const share = Math.round((100 * sample.value) / all);
    return [
      {
        failure: 'HEA-10',
        id: 'cpu-throttled',
        boundary: 'health',
        title: `${sample.labels['pod'] ?? sample.labels['container'] ?? 'a container'} is throttled in ${share}% of its periods`,
        confidence: 0.8,
        why: [
          'It reaches its CPU limit within a tenth of a second and waits for the next; latency and probes suffer, the average stays low.',
        ],
        claims: [
          view.claim(
            'health',
            sample.labels['pod'] ?? '',
            'throttled periods',
            `${sample.value} of ${all}`,
            sample.source,
          ),
        ],
        misleading: [
          ['CPU below the limit', 'on average over a minute'],
          ['probes fail now and then', 'the program waits for its share'],
        ],
        now: ['Raise the CPU limit in Git, or take it away.', 'kubectl top pods --containers'],
        lasting: ['Compare p99 and throttling with the release before.'],
        verify: ['kubectl top pods --containers'],
        can: 'commit',
        space: sample.labels['namespace'],
      },
    ];
  });
}

/** ROL-21: a sidecar that is missing, or that keeps a Job from ending. */
function sidecars(view: View): Draft[] {
  const injected = new Set(
    view
      .kind('Namespace')
      .filter(
        (thing) =>
          thing.text('metadata', 'labels', 'istio-injection') === 'enabled' ||
          thing.text('metadata', 'annotations', 'linkerd.io/inject') === 'enabled',
      )
      .map(({ name }) => name),
  );
  return view.pods.flatMap((pod): Draft[] => {
    const names = pod.containers.map(({ name }) => name);
    const lacks =
      pod.thing.whole &&
      injected.has(pod.namespace ?? '') &&
      !names.some((name) => /istio-proxy|linkerd-proxy/.test(name)) &&
      pod.thing.text('metadata', 'labels', 'sidecar.istio.io/inject') !== 'false' &&
      pod.workload.kind !== 'Job';
    const mains = pod.containers.filter(({ role }) => role === 'main');
    const holds =
      pod.workload.kind === 'Job' &&
      mains.some(({ terminated }) => terminated?.exitCode === 0) &&
      mains.some(({ name, running }) => running && /proxy|sidecar|agent/.test(name));
    if (!lacks && !holds) return [];
    const [path] = mains;
    return [
      {
        failure: 'ROL-21',
        id: lacks ? 'sidecar-missing' : 'sidecar-holds-job',
        boundary: 'health',
        title: lacks
          ? `${pod.thing.id} has no sidecar, and its namespace injects one`
          : `${pod.thing.id} has done its work and does not end: its sidecar runs on`,
        confidence: 0.85,
        why: [
          lacks
            ? 'It was created while the webhook did not answer, or before the namespace was marked.'
            : 'A Job is complete when all its containers have ended.',
        ],
        claims:
          path === undefined ? [] : mains.map((container) => view.ofContainer('health', pod, container)),
        misleading: [
          [
            'the container of the application is fine',
            lacks ? 'the mesh refuses its traffic' : 'the Job never completes',
          ],
        ],
        now: [
          lacks
            ? 'Restart it, once the injection works.'
            : 'End the sidecar, or use a native one (init container with restartPolicy Always).',
          `kubectl get pod ${pod.name}${pod.thing.n} -o jsonpath='{.spec.containers[*].name}'`,
        ],
        lasting: ['Check the containers that are expected after a rollout; native sidecars.'],
        verify: [`kubectl get pods${pod.thing.n}`],
        space: pod.namespace,
      },
    ];
  });
}

/** REN-09: a source that may change without a commit. A habit, unless two renders of one commit differ. */
function unpinned(view: View): Draft[] {
  return view.world.files.flatMap((file): Draft[] => {
    if (file.kind !== 'kustomization') return [];
    return ['resources', 'components', 'bases'].flatMap((field) =>
      getArray(file.value, field).flatMap((item, index): Draft[] => {
        if (typeof item !== 'string' || !/^(?:https?:\/\/|git@|github\.com\/|ssh:\/\/)/.test(item)) return [];
        const ref = /[?&](?:ref|version)=(?<ref>[^&]+)/.exec(item)?.groups?.['ref'];
        if (ref !== undefined && /^(?:[0-9a-f]{7,40}|v?\d+(?:\.\d+)+.*)$/.test(ref)) return [];
        return [
          {
            failure: 'REN-09',
            id: 'remote-source-unpinned',
            boundary: 'render',
            kind: 'risk',
            title: `${file.path} takes ${item.split('?')[0] ?? item} as it is at ${ref ?? 'its default branch'}`,
            confidence: 0.9,
            why: ['The same commit renders differently when the other repository moves.'],
            claims: [view.claim('render', file.path, field, item, file.cite([field, index]))],
            misleading: [['the revision is right', 'its content is not only its own']],
            now: ['Pin it to a commit or a version, in Git.'],
            lasting: ['Vendor or pin everything remote, and keep the hash of what was rendered.'],
            verify: ['landfall render DIR'],
            can: 'commit',
          },
        ];
      }),
    );
  });
}

/** ROL-05 as a habit: a claim for one node, and an update that needs two. */
function rollingWithOneVolume(view: View): Draft[] {
  return view.desired.flatMap((thing): Draft[] => {
    if (
      thing.kind !== 'Deployment' ||
      (thing.text('spec', 'strategy', 'type') ?? 'RollingUpdate') !== 'RollingUpdate'
    )
      return [];
    const claim = thing
      .list('spec', 'template', 'spec', 'volumes')
      .flatMap((volume) => getString(volume, 'persistentVolumeClaim', 'claimName') ?? [])
      .flatMap((name) => view.declared('PersistentVolumeClaim').find((item) => item.name === name) ?? [])
      .find((item) =>
        getArray(item.get('spec', 'accessModes')).every((mode) =>
          /^ReadWriteOnce(?:Pod)?$/.test(textOf(mode)),
        ),
      );
    const replicas = getNumber(thing.get('spec'), 'replicas') ?? 1;
    if (claim === undefined || replicas === 0) return [];
    return [
      {
        failure: 'ROL-05',
        id: 'rolling-update-with-single-volume',
        boundary: 'health',
        kind: 'risk',
        title: `${thing.id} updates by rolling and mounts ${claim.name}, which only one node can have`,
        confidence: 0.85,
        why: [
          'The new pod may come to another node and wait for the volume until the old one is gone, which waits for the new one.',
        ],
        claims: [
          view.about('render', claim, 'accessModes', 'ReadWriteOnce', 'spec', 'accessModes'),
          view.about('render', thing, 'strategy', 'RollingUpdate', 'spec'),
        ],
        misleading: [['it has worked so far', 'both pods came to one node']],
        now: ['Set strategy Recreate in Git.'],
        lasting: ['Recreate for what has a volume of its own, or a StatefulSet.'],
        verify: [`kubectl get ${thing.ref}${thing.n} -o jsonpath='{.spec.strategy.type}'`],
        can: 'commit',
        space: thing.namespace,
      },
    ];
  });
}

/** Rules over single objects and over what stands in Git: REN-03, REN-06, REN-08, REN-09, INT-06, HEA-03, HEA-07, HEA-08, HEA-10, ROL-05, ROL-19 to ROL-21, LIV-09, LIV-10, REC-13, REC-15. */
export const objectsRule: WorldRule = (view) =>
  [
    unresolved,
    strayNamespaces,
    staleConfiguration,
    missingFlags,
    autoscalers,
    jobs,
    nodes,
    stuckDeletions,
    drift,
    leftovers,
    throttled,
    sidecars,
    unpinned,
    rollingWithOneVolume,
  ].flatMap((rule) => rule(view));
