import { getString } from '../../../kernel/index.ts';
import { quote } from './rule.ts';
import type { WorldRule } from './rule.ts';
import { draftsOf } from './told.ts';
import type { Row, Told } from './told.ts';
import { objectOf } from './view.ts';
import type { View } from './view.ts';

const NO_POD: readonly [string, string] = [
  'no pod is in trouble, all that are shown run',
  'the new ones were never created: the refusal stands in the events of the ReplicaSet',
];

const ROWS: readonly Row[] = [
  {
    failure: 'LIV-01',
    id: 'quota-exceeded',
    boundary: 'health',
    pattern:
      /exceeded quota: (?<quota>[^,]+), requested: (?<requested>.+?), used: (?<used>.+?), limited: (?<limited>[^\s"]+)/,
    title: (g, { space }) =>
      `the quota ${g['quota'] ?? ''}${space === undefined ? '' : ` of ${space}`} is used up: pods are refused`,
    confidence: 0.97,
    why: 'A ResourceQuota counts what pods ask for, and a rolling update needs room for one pod more than runs.',
    misleading: [NO_POD, ['the Deployment is progressing', 'until its deadline, ten minutes by default']],
    now: (g, n) => [
      `Raise the quota, ask for less, or let the update take an old pod away first (maxSurge 0). Requested ${g['requested'] ?? '?'}, used ${g['used'] ?? '?'} of ${g['limited'] ?? '?'}.`,
      `kubectl describe resourcequota ${g['quota'] ?? ''}${n}`,
    ],
    lasting:
      'Before a release, hold its requests times replicas and surge against what the quota has left (landfall check).',
    verify: (g, n) => [
      `kubectl describe resourcequota ${g['quota'] ?? ''}${n}`,
      `kubectl get replicasets${n}`,
    ],
    can: 'commit',
  },
  {
    failure: 'LIV-02',
    id: 'resources-undeclared',
    boundary: 'health',
    pattern: /failed quota: (?<quota>[^:]+): must specify (?<what>[^\s"]+)/,
    title: (g) =>
      `the quota ${g['quota'] ?? ''} wants every pod to say its ${(g['what'] ?? 'resources').replaceAll(/ for:.*/g, '')}`,
    confidence: 0.97,
    why: 'A quota on a resource makes its declaration a duty for every container in the namespace.',
    misleading: [NO_POD],
    now: (g, n) => [
      `Declare ${g['what'] ?? 'requests and limits'} in the template, in Git, or give the namespace a LimitRange with defaults.`,
      `kubectl describe resourcequota,limitrange${n}`,
    ],
    lasting: 'Check requests and limits against the rules of the namespace before the merge.',
    verify: (_g, n) => [`kubectl get replicasets${n}`],
    can: 'commit',
  },
  {
    failure: 'LIV-02',
    id: 'limit-range-violated',
    boundary: 'health',
    pattern:
      /(?<rule>(?:maximum|minimum) (?<resource>[\w.-]+) usage per (?<scope>\w+) is (?<bound>[^,]+?)[,.](?: but (?:limit|request) is (?<asked>[^\s\].,]+)| No \w+ is specified)?|[\w.-]+ max limit to request ratio per \w+ is [^,]+)/,
    title: (g) => `the LimitRange allows no pod of this size: ${g['rule'] ?? ''}`,
    confidence: 0.97,
    why: 'A LimitRange bounds what one container or pod may ask for; the template asks for something outside of it.',
    misleading: [NO_POD],
    now: (_g, n) => [
      'Bring the resources of the template within the bounds, in Git, or change the LimitRange.',
      `kubectl describe limitrange${n}`,
    ],
    lasting: 'Check requests and limits against the rules of the namespace before the merge.',
    verify: (_g, n) => [`kubectl get replicasets${n}`],
    can: 'commit',
  },
  {
    failure: 'LIV-03',
    id: 'pod-security-violated',
    boundary: 'health',
    pattern:
      /violates PodSecurity "(?<level>[^"]+)": (?<what>.+?)(?:$|\))|(?<older>PodSecurityPolicy: unable to (?:admit|validate) pod|unable to validate against any (?:pod security policy|security context constraint)): (?<rest>.+?)(?:$|\])/s,
    title: (g) =>
      g['older'] === undefined
        ? `Pod Security ${g['level'] ?? ''} refuses the pods: ${(g['what'] ?? '').split(' (')[0] ?? ''}`
        : `the security policy of the cluster refuses the pods: ${quote(g['rest'] ?? '')}`,
    confidence: 0.97,
    why: 'The namespace enforces a Pod Security level. The Deployment itself is let in with a warning, and its pods are refused.',
    misleading: [
      ['the apply succeeded, with a warning only', 'the check that refuses comes with the pods'],
      NO_POD,
    ],
    now: (_g, n) => [
      'Set the securityContext that the message asks for, in Git, or agree on another level for the namespace.',
      `kubectl get namespace${n.replace(' -n', '')} --show-labels`,
    ],
    lasting: 'Evaluate the Pod Security level of the namespace when rendering.',
    verify: (_g, n) => [`kubectl get replicasets${n}`],
    can: 'commit',
  },
  {
    failure: 'LIV-04',
    id: 'service-account-missing',
    boundary: 'health',
    pattern:
      /error looking up service account (?<namespace>[^/]+)\/(?<account>[^:]+): serviceaccount|no PriorityClass with name (?<priority>\S+) was found|RuntimeClass(?:\.node\.k8s\.io)? "(?<runtime>[^"]+)" not found|pod rejected: RuntimeClass "(?<runtime2>[^"]+)" not found/,
    title: (g) =>
      g['account'] !== undefined
        ? `the ServiceAccount ${g['account']} does not exist, and pods are refused without it`
        : g['priority'] !== undefined
          ? `the PriorityClass ${g['priority']} does not exist, and pods are refused without it`
          : `the RuntimeClass ${g['runtime'] ?? g['runtime2'] ?? ''} does not exist, and pods are refused without it`,
    confidence: 0.95,
    why: 'The template names an object that has to be there when a pod is created.',
    misleading: [
      NO_POD,
      ['the event may be from the first seconds', 'then the pods are there by now, and it is history'],
    ],
    now: (g, n) => [
      'Create the object in the namespace of the pods, in Git, or correct the name in the template.',
      g['account'] !== undefined
        ? `kubectl get serviceaccounts${n}`
        : `kubectl get ${g['priority'] === undefined ? 'runtimeclasses' : 'priorityclasses'}`,
    ],
    lasting: 'Check that everything that the rendered set names is in it or in the cluster (landfall check).',
    verify: (_g, n) => [`kubectl get replicasets${n}`],
    can: 'commit',
  },
  {
    failure: 'REC-05',
    id: 'webhook-unavailable',
    boundary: 'health',
    pattern: /failed calling webhook "(?<webhook>[^"]+)"/,
    title: (g) => `the admission webhook ${g['webhook'] ?? ''} does not answer, so no pod can be created`,
    confidence: 0.97,
    why: 'The API server asks the webhook before it stores a pod. With failurePolicy Fail, no answer means no.',
    misleading: [NO_POD],
    now: () => [
      'Bring the pods behind the webhook back, or leave this namespace out by its namespaceSelector.',
      'kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations',
    ],
    lasting:
      'Several replicas with a disruption budget, a short timeout, and a namespaceSelector that leaves out its own namespace.',
    verify: (_g, n) => [`kubectl get replicasets${n}`],
  },
  {
    failure: 'REC-04',
    id: 'admission-denied',
    boundary: 'health',
    pattern:
      /admission webhook "(?<policy>[^"]+)" denied the request|ValidatingAdmissionPolicy '(?<vap>[^']+)'.*denied request/,
    title: (g) => `the policy ${g['policy'] ?? g['vap'] ?? ''} refuses the pods`,
    confidence: 0.96,
    why: 'The policy looks at pods, not at the Deployment: that one was stored without a word.',
    misleading: [['the sync succeeded', 'of the Deployment; its pods are refused'], NO_POD],
    now: (_g, n) => [
      'Change the template as the policy asks, in Git.',
      `kubectl get events${n} --field-selector reason=FailedCreate`,
    ],
    lasting: 'Run the policies in CI on bare pods of the rendered templates.',
    verify: (_g, n) => [`kubectl get replicasets${n}`],
    can: 'commit',
  },
];

function sentences(view: View): readonly Told[] {
  const fromConditions = view
    .kind('Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet')
    .flatMap((thing): Told[] =>
      thing.list('status', 'conditions').flatMap((item, index) =>
        getString(item, 'type') === 'ReplicaFailure' && getString(item, 'status') === 'True'
          ? [
              {
                text: getString(item, 'message') ?? '',
                who: thing.id,
                space: thing.namespace,
                weight: 1,
                claims: (boundary) => [
                  view.about(
                    boundary,
                    thing,
                    'ReplicaFailure',
                    getString(item, 'message') ?? '',
                    'status',
                    'conditions',
                    index,
                  ),
                ],
              },
            ]
          : [],
      ),
    );
  const fromEvents = view.world.events.flatMap((event): Told[] => {
    if (event.reason !== 'FailedCreate') return [];
    const { kind, namespace, name } = objectOf(event);
    const lacks = view.lacksPods(kind, namespace, name);
    // All pods are there: whatever refused one of them once has let it in since.
    if (lacks === false) return [];
    return [
      {
        text: event.message,
        who: event.object,
        space: namespace ?? view.find(kind, undefined, name)?.namespace,
        weight: lacks === true ? 1 : 0.8,
        claims: (boundary) => [view.ofEvent(boundary, event)],
      },
    ];
  });
  // A bare pod is refused in the apply itself.
  const fromAnswers = view.world.answers.flatMap(({ asked, answer, ok, source }): Told[] =>
    ok === false && /\bpods? "[^"]+" is forbidden: /.test(answer) && !/ cannot \w+ resource /.test(answer)
      ? [
          {
            text: answer,
            who: asked === '' ? 'apply' : asked,
            space: undefined,
            weight: 0.97,
            claims: (boundary) => [
              view.claim(boundary, asked === '' ? 'apply' : asked, 'answer', answer, source),
            ],
          },
        ]
      : [],
  );
  return [...fromConditions, ...fromEvents, ...fromAnswers, ...warned(view)];
}

/** `Warning: would violate PodSecurity` of an apply whose Deployment has made no pod since. */
function warned(view: View): readonly Told[] {
  const without = view
    .kind('Deployment', 'StatefulSet', 'ReplicaSet')
    .find(
      (thing) =>
        (thing.number('spec', 'replicas') ?? 0) > 0 &&
        (thing.number('status', 'updatedReplicas') ?? thing.number('status', 'replicas')) === 0,
    );
  if (without === undefined) return [];
  return view.world.answers.flatMap(({ answer, source }): Told[] => {
    const found = /would (violate PodSecurity .*)$/s.exec(answer)?.[1];
    return found === undefined
      ? []
      : [
          {
            text: found.replace(/^violate/, 'violates'),
            who: without.id,
            space: without.namespace,
            weight: 0.88,
            claims: (boundary) => [
              view.claim(boundary, without.id, 'warning', answer, source),
              view.about(boundary, without, 'updatedReplicas', '0', 'status', 'updatedReplicas'),
            ],
          },
        ];
  });
}

/** LIV-01 to LIV-04, REC-04, REC-05: pods that were never created. Wording: kube-apiserver's admission plug-ins. */
export const refusedPodsRule: WorldRule = (view) => draftsOf(ROWS, sentences(view));
