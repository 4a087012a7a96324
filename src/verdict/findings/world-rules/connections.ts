import { getArray, getString } from '../../../kernel/index.ts';
import { quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import { endpointsOf } from './services.ts';
import type { View } from './view.ts';

/** TRA-02: endpoints are there, their pods ready, and whoever connects is refused: nobody listens on that port. */
function refusedConnections(view: View): Draft[] {
  return view.kind('Service').flatMap((service): Draft[] => {
    const endpoints = endpointsOf(view, service);
    if (endpoints === undefined || endpoints.ready === 0) return [];
    const named = new RegExp(`(?:^|[\\s/])${service.name.replaceAll('.', '\\.')}(?=[\\s.:/]|$)`);
    const refused = view.world.answers.find(
      ({ asked, answer, ok }) =>
        ok !== true &&
        named.test(asked) &&
        /\b(?:curl|wget|nc|telnet)\b/.test(asked) &&
        /Connection refused|Couldn't connect to server|Connection reset by peer/i.test(answer),
    );
    if (refused === undefined) return [];
    return [
      {
        failure: 'TRA-02',
        id: 'service-port-wrong',
        boundary: 'traffic',
        title: `the Service ${service.name} leads to ready pods that refuse the connection`,
        confidence: 0.72,
        why: [
          quote(refused.answer),
          'A refusal at once means that nobody listens there: the targetPort is not the port of the program, or the program listens on localhost only.',
        ],
        claims: [
          view.claim('traffic', service.id, 'answer', refused.answer, refused.source),
          view.about('traffic', endpoints.source, 'ready endpoints', String(endpoints.ready)),
        ],
        misleading: [['endpoints are there and pods are ready', 'no probe asks that port']],
        now: [
          'Compare the targetPort with the port on which the program listens.',
          `kubectl get service ${service.name}${service.n} -o jsonpath='{.spec.ports}'`,
          `kubectl exec${service.n} POD -- ss -tlnp`,
        ],
        lasting: ['A readiness probe by the port that the Service uses (landfall check).'],
        verify: [`kubectl get endpointslices${service.n} -l kubernetes.io/service-name=${service.name}`],
        can: 'commit',
        space: service.namespace,
      },
    ];
  });
}

/** `connect() failed (111: Connection refused) ... upstream: "http://10.1.0.4:3000/"`, again and again, of a ready pod. */
function refusedUpstreams(view: View): Draft[] {
  const found = view.world.logs.flatMap(({ message, source }) => {
    const target = /Connection refused.*upstream: "\w+:\/\/(?<ip>[\d.]+):(?<port>\d+)/.exec(message)?.groups;
    return target === undefined
      ? []
      : [{ message, source, ip: target['ip'] ?? '', port: target['port'] ?? '' }];
  });
  if (found.length < 2) return [];
  const service = view
    .kind('Endpoints')
    .find((thing) =>
      thing
        .list('subsets')
        .some((subset) =>
          getArray(subset, 'addresses').some((address) =>
            found.some(({ ip }) => getString(address, 'ip') === ip),
          ),
        ),
    );
  const [first] = found;
  if (service === undefined || first === undefined) return [];
  const heard = view.world.logs.find(({ message }) =>
    /\b(?:listening|started|serving)\b.*?[:\s](\d{2,5})\b/i.test(message),
  );
  const own = /[:\s](\d{2,5})\b/.exec(heard?.message ?? '')?.[1];
  const differs = own !== undefined && own !== first.port;
  return [
    {
      failure: 'TRA-02',
      id: 'service-port-wrong',
      boundary: 'traffic',
      title: `the proxy is refused at ${first.ip}:${first.port}, behind the Service ${service.name}${differs ? `; the program listens on ${own}` : ''}`,
      confidence: differs ? 0.9 : 0.7,
      why: [
        quote(first.message),
        'The address is that of an endpoint, so the pod is there; nobody listens on that port.',
      ],
      claims: [
        ...found
          .slice(0, 3)
          .map(({ message, source }) => view.claim('traffic', service.id, 'log', message, source)),
        ...(heard === undefined || !differs
          ? []
          : [view.claim('traffic', heard.component ?? 'program', 'log', heard.message, heard.source)]),
      ],
      misleading: [['endpoints are there and pods are ready', 'no probe asks that port']],
      now: [
        'Correct the targetPort of the Service in Git.',
        `kubectl get service ${service.name}${service.n} -o jsonpath='{.spec.ports}'`,
      ],
      lasting: ['A readiness probe by the port that the Service uses (landfall check).'],
      verify: [`kubectl get endpointslices${service.n} -l kubernetes.io/service-name=${service.name}`],
      can: 'commit',
      space: service.namespace,
    },
  ];
}

/** TRA-06: a NetworkPolicy that lets nobody in to a pod that a Service leads to. */
function deniedAll(view: View): Draft[] {
  const timeouts = [
    ...view.world.answers.filter(({ ok, answer }) => ok !== true && /timed? ?out|i\/o timeout/i.test(answer)),
    ...view.world.logs.filter(({ message }) =>
      /i\/o timeout|ETIMEDOUT|connect timed out|Connection timed out/i.test(message),
    ),
  ];
  const [proof] = timeouts;
  const [policy] = view
    .kind('NetworkPolicy')
    .filter(
      (thing) =>
        (!thing.whole && Object.keys(thing.map('spec', 'podSelector') ?? { none: '' }).length === 0) ||
        (thing.whole &&
          (thing.list('spec', 'ingress').length === 0 || thing.get('spec', 'policyTypes') !== undefined)),
    );
  if (proof === undefined || policy === undefined) return [];
  const text = 'answer' in proof ? proof.answer : proof.message;
  return [
    {
      failure: 'TRA-06',
      id: 'policy-blocks',
      boundary: 'traffic',
      title: `the NetworkPolicy ${policy.name} probably blocks the path: connections time out`,
      confidence: 0.72,
      why: [
        `${quote(text)} A policy drops packets without a word, so clients wait; a refused connection would be answered at once.`,
      ],
      claims: [
        view.about('traffic', policy, 'spec', 'selects pods and lists who may enter or leave', 'spec'),
        view.claim('traffic', 'connection', 'answer', quote(text), proof.source),
      ],
      misleading: [['from a debug pod and by port-forward it works', 'the policy does not hold for them']],
      now: [
        'Compare the policy with the labels of both sides, and allow this path; name resolution needs a rule too.',
        `kubectl describe networkpolicy ${policy.name}${policy.n}`,
      ],
      lasting: ['Evaluate policies on the labels of rendered pods.'],
      verify: [`kubectl get networkpolicies${policy.n}`],
      can: 'commit',
      space: policy.namespace,
    },
  ];
}

/** TRA-10: a name that resolves to another address than its Ingress has, while nobody gets an answer by it. */
function oldRecord(view: View): Draft[] {
  const failing = view.world.answers.find(
    ({ asked, answer, ok }) =>
      ok === false &&
      /^(?:curl|wget|http)\b/.test(asked) &&
      /^HTTP [45]|timed out|refused|Could not/.test(answer),
  );
  if (failing === undefined) return [];
  return view.kind('Ingress').flatMap((ingress): Draft[] => {
    const address = getString(ingress.list('status', 'loadBalancer', 'ingress')[0], 'ip');
    if (address === undefined || !/^[\d.]+$/.test(address)) return [];
    return ingress.list('spec', 'rules').flatMap((rule): Draft[] => {
      const host = getString(rule, 'host') ?? '';
      const told = view.world.answers.find(
        ({ asked, answer }) =>
          host !== '' &&
          /^(?:dig|nslookup|host)\b/.test(asked) &&
          asked.includes(host) &&
          /\b\d+(?:\.\d+){3}\b/.test(answer),
      );
      if (told === undefined || told.answer.includes(address) || !failing.asked.includes(host)) return [];
      return [
        {
          failure: 'TRA-10',
          id: 'dns-wrong',
          boundary: 'traffic',
          title: `DNS sends ${host} elsewhere than to its Ingress (${address})`,
          confidence: 0.7,
          why: [
            `The name resolves to ${quote(told.answer)}, the Ingress has ${address}, and the answer by the name is: ${quote(failing.answer)}.`,
          ],
          claims: [
            view.claim('traffic', host, 'record', told.answer, told.source),
            view.about('traffic', ingress, 'address', address, 'status', 'loadBalancer'),
            view.claim('traffic', host, 'answer', failing.answer, failing.source),
          ],
          misleading: [
            ['the Ingress has an address and its pods are ready', 'users are sent to another place'],
          ],
          now: ['Correct the record, or look whether a proxy stands between.', `dig +trace ${host}`],
          lasting: ['Let the proof ask the authoritative server.'],
          verify: [`dig +short ${host}`],
          space: ingress.namespace,
        },
      ];
    });
  });
}

/** TRA-02, TRA-06, TRA-10: what those who connect are told, held against what the cluster has. */
export const connectionsRule: WorldRule = (view) => [
  ...refusedConnections(view),
  ...refusedUpstreams(view),
  ...deniedAll(view),
  ...oldRecord(view),
];
