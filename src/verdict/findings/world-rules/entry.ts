import { getArray, getNumber, getString, textOf } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import { quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';
import { draftsOf } from './told.ts';
import type { Row, Told } from './told.ts';
import type { View } from './view.ts';

interface Backend {
  readonly service: string;
  readonly port: number | string | undefined;
  readonly path: readonly (string | number)[];
}

function backends(ingress: Thing): readonly Backend[] {
  const found: Backend[] = [];
  const add = (backend: JsonObject | undefined, path: readonly (string | number)[]) => {
    const service = getString(backend, 'service', 'name');
    if (service !== undefined)
      found.push({
        service,
        port:
          getNumber(backend, 'service', 'port', 'number') ?? getString(backend, 'service', 'port', 'name'),
        path,
      });
  };
  add(ingress.map('spec', 'defaultBackend'), ['spec', 'defaultBackend']);
  for (const [ruleIndex, rule] of ingress.list('spec', 'rules').entries())
    for (const [pathIndex, item] of getArray(rule, 'http', 'paths').entries())
      add((item as JsonObject)['backend'] as JsonObject | undefined, [
        'spec',
        'rules',
        ruleIndex,
        'http',
        'paths',
        pathIndex,
        'backend',
      ]);
  return found;
}

const same = (a: string | undefined, b: string | undefined) => a === undefined || b === undefined || a === b;

function draft(
  ingress: Thing,
  id: string,
  title: string,
  why: string,
  claims: Draft['claims'],
  confidence: number,
  now: Draft['now'],
): Draft {
  return {
    failure: 'TRA-03',
    id,
    boundary: 'traffic',
    title,
    confidence,
    why: [why],
    claims,
    misleading: [['the Ingress was applied', 'the API stores it whether or not anybody serves it']],
    now,
    lasting: [
      'Check classes and backends before the merge (landfall check), and ask from outside after each release.',
    ],
    verify: [
      `kubectl get ingress ${ingress.name}${ingress.n}`,
      `curl -sI -H 'Host: ${getString(ingress.list('spec', 'rules')[0], 'host') ?? 'HOST'}' http://ADDRESS/`,
    ],
    can: 'commit',
    space: ingress.namespace,
  };
}

/** TRA-03: an Ingress that nobody serves, or that leads nowhere. */
function ingresses(view: View): Draft[] {
  const classes = view.kind('IngressClass');
  const services = view.declared('Service');
  const all = view.declared('Ingress');
  return all.flatMap((ingress): Draft[] => {
    const drafts: Draft[] = [];
    const name =
      ingress.text('spec', 'ingressClassName') ??
      ingress.text('metadata', 'annotations', 'kubernetes.io/ingress.class');
    const known = classes.map((item) => item.name);
    if (name !== undefined && name !== '<none>' && classes.length > 0 && !known.includes(name))
      drafts.push(
        draft(
          ingress,
          'ingress-class-missing',
          `the Ingress ${ingress.name} asks for the class ${name}, which does not exist`,
          `The cluster has ${known.join(', ')}. No controller takes an Ingress of another class.`,
          [view.about('traffic', ingress, 'ingressClassName', name, 'spec', 'ingressClassName')],
          0.95,
          ['Name a class that there is, in Git.', 'kubectl get ingressclasses'],
        ),
      );
    if (
      name === undefined &&
      ingress.whole &&
      classes.length > 0 &&
      !classes.some(
        (item) =>
          item.text('metadata', 'annotations', 'ingressclass.kubernetes.io/is-default-class') === 'true',
      )
    )
      drafts.push(
        draft(
          ingress,
          'ingress-class-missing',
          `the Ingress ${ingress.name} names no class, and no class is the default`,
          'No controller feels responsible for it.',
          [view.about('traffic', ingress, 'ingressClassName', 'none', 'spec')],
          0.85,
          ['Name the class in Git.', 'kubectl get ingressclasses'],
        ),
      );
    const shows = services.some((service) => same(service.namespace, ingress.namespace) && service.whole);
    for (const backend of shows ? backends(ingress) : []) {
      const service = services.find(
        (item) => item.name === backend.service && same(item.namespace, ingress.namespace),
      );
      if (service === undefined)
        drafts.push(
          draft(
            ingress,
            'ingress-backend-missing',
            `the Ingress ${ingress.name} leads to the Service ${backend.service}, which is not there`,
            'Whoever asks for that path gets 503 or the default backend.',
            [view.about('traffic', ingress, 'backend', backend.service, ...backend.path)],
            0.8,
            ['Correct the name in Git, or deliver the Service.', `kubectl get services${ingress.n}`],
          ),
        );
      else if (
        backend.port !== undefined &&
        service.whole &&
        !service
          .list('spec', 'ports')
          .some((port) => port['port'] === backend.port || port['name'] === backend.port)
      )
        drafts.push(
          draft(
            ingress,
            'ingress-port-missing',
            `the Ingress ${ingress.name} asks the Service ${backend.service} for port ${backend.port}, which it does not have`,
            'The port of a backend is the port of the Service, not of the container.',
            [
              view.about('traffic', ingress, 'backend port', textOf(backend.port), ...backend.path),
              view.about(
                'traffic',
                service,
                'ports',
                service
                  .list('spec', 'ports')
                  .map((port) => textOf(port['port'] ?? ''))
                  .join(', '),
                'spec',
                'ports',
              ),
            ],
            0.94,
            ['Correct the port in Git.', `kubectl get service ${backend.service}${ingress.n}`],
          ),
        );
    }
    for (const [index, tls] of ingress.list('spec', 'tls').entries()) {
      const secret = getString(tls, 'secretName');
      const secrets = view.kind('Secret').filter((item) => same(item.namespace, ingress.namespace));
      const listed =
        secrets.length > 0 ||
        view.world.answers.some(
          ({ answer }) => secret !== undefined && answer.includes(`secrets "${secret}" not found`),
        );
      const made =
        view.kind('Certificate').some((item) => item.text('spec', 'secretName') === secret) ||
        (ingress.map('metadata', 'annotations') !== undefined &&
          Object.keys(ingress.map('metadata', 'annotations') ?? {}).some((key) =>
            key.startsWith('cert-manager.io/'),
          ));
      if (secret === undefined || !listed || made || secrets.some((item) => item.name === secret)) continue;
      drafts.push({
        ...draft(
          ingress,
          'tls-secret-missing',
          `the TLS Secret ${secret} of the Ingress ${ingress.name} does not exist`,
          'The controller answers with its own certificate, which no client trusts for this host.',
          [view.about('traffic', ingress, 'tls.secretName', secret, 'spec', 'tls', index)],
          0.85,
          ['Create the Secret or correct its name.', `kubectl get secret ${secret}${ingress.n}`],
        ),
        failure: 'TRA-12',
      });
    }
    return drafts;
  });
}

/** Two Ingresses of one host and path: which one answers is a matter of age. */
function conflicts(view: View): Draft[] {
  const seen = new Map<string, Thing>();
  return view.declared('Ingress').flatMap((ingress): Draft[] =>
    ingress.list('spec', 'rules').flatMap((rule, ruleIndex): Draft[] =>
      getArray(rule, 'http', 'paths').flatMap((item, pathIndex): Draft[] => {
        const key = `${ingress.text('spec', 'ingressClassName') ?? ''}|${getString(rule, 'host') ?? '*'}|${getString(item, 'path') ?? '/'}`;
        const other = seen.get(key);
        if (other === undefined || other === ingress) {
          seen.set(key, ingress);
          return [];
        }
        const canary = [ingress, other].some(
          (one) => one.text('metadata', 'annotations', 'nginx.ingress.kubernetes.io/canary') === 'true',
        );
        if (canary) return [];
        return [
          draft(
            ingress,
            'ingress-conflict',
            `${other.id} and ${ingress.id} both claim ${key.split('|').slice(1).join('')}`,
            'Which one answers depends on the controller, mostly on age.',
            [
              view.about(
                'traffic',
                ingress,
                'path',
                key,
                'spec',
                'rules',
                ruleIndex,
                'http',
                'paths',
                pathIndex,
              ),
              view.about('traffic', other, 'path', key, 'spec', 'rules'),
            ],
            0.85,
            ['Give the path to one of them, in Git.', 'kubectl get ingress -A'],
          ),
        ];
      }),
    ),
  );
}

const ROUTES = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'] as const;

/** TRA-05: routes that are not attached, references that are not resolved. Source: Gateway API conditions. */
function routes(view: View): Draft[] {
  const base = (
    thing: Thing,
    title: string,
    why: string,
    claims: Draft['claims'],
    confidence: number,
  ): Draft => ({
    failure: 'TRA-05',
    id: thing.kind === 'Gateway' ? 'gateway-not-programmed' : 'route-not-attached',
    boundary: 'traffic',
    title,
    confidence,
    why: [why],
    claims,
    misleading: [['the object exists', 'generic readers call a route without a status current']],
    now: [
      'Correct parentRef, listener, backend or ReferenceGrant, in Git.',
      `kubectl describe ${thing.kind.toLowerCase()} ${thing.name}${thing.n}`,
    ],
    lasting: [
      'A rule of readiness for routes: every parent accepted, every reference resolved, for this generation.',
    ],
    verify: [`kubectl get ${thing.kind.toLowerCase()} ${thing.name}${thing.n} -o jsonpath='{.status}'`],
    can: 'commit',
    space: thing.namespace,
  });
  const fromRoutes = view.kind(...ROUTES).flatMap((thing): Draft[] => {
    const parents = thing.list('status', 'parents');
    if (parents.length === 0)
      return thing.whole && thing.list('spec', 'parentRefs').length > 0
        ? [
            base(
              thing,
              `${thing.id}: no gateway has taken the route`,
              'Its status names no parent: the gateway is not there, or the reference names another group, kind or namespace.',
              [view.about('traffic', thing, 'status.parents', 'none', 'spec', 'parentRefs')],
              0.85,
            ),
          ]
        : [];
    return parents.flatMap((parent, index) =>
      getArray(parent, 'conditions').flatMap((item, at): Draft[] =>
        getString(item, 'status') === 'False' &&
        /^(?:Accepted|ResolvedRefs)$/.test(getString(item, 'type') ?? '')
          ? [
              base(
                thing,
                `${thing.id}: ${getString(item, 'type') ?? ''} is False, ${getString(item, 'reason') ?? ''}`,
                quote(getString(item, 'message') ?? 'The gateway says no more.'),
                [
                  view.about(
                    'traffic',
                    thing,
                    getString(item, 'type') ?? '',
                    getString(item, 'reason') ?? '',
                    'status',
                    'parents',
                    index,
                    'conditions',
                    at,
                  ),
                ],
                0.96,
              ),
            ]
          : [],
      ),
    );
  });
  const fromGateways = view.kind('Gateway').flatMap((thing): Draft[] =>
    [
      ...thing.list('status', 'conditions'),
      ...thing.list('status', 'listeners').flatMap((item) => getArray(item, 'conditions') as JsonObject[]),
    ].flatMap((item): Draft[] =>
      getString(item, 'status') === 'False' &&
      /^(?:Accepted|Programmed|ResolvedRefs)$/.test(getString(item, 'type') ?? '') &&
      getString(item, 'reason') !== 'Pending'
        ? [
            {
              ...base(
                thing,
                `${thing.id}: ${getString(item, 'type') ?? ''} is False, ${getString(item, 'reason') ?? ''}`,
                quote(getString(item, 'message') ?? ''),
                [
                  view.about(
                    'traffic',
                    thing,
                    getString(item, 'type') ?? '',
                    getString(item, 'reason') ?? '',
                    'status',
                  ),
                ],
                0.94,
              ),
              ...(getString(item, 'reason') === 'InvalidCertificateRef'
                ? { failure: 'TRA-12', id: 'tls-secret-missing' }
                : {}),
            },
          ]
        : [],
    ),
  );
  return [...fromRoutes, ...fromGateways];
}

const ROWS: readonly Row[] = [
  {
    failure: 'TRA-04',
    id: 'proxy-keeps-old-configuration',
    boundary: 'traffic',
    pattern:
      /Unexpected failure reloading the backend|nginx: configuration file \S+ test failed|nginx: \[emerg\]|Error reloading NGINX|config_last_reload_successful 0|gRPC config for .* rejected|ConfigurationRejected/i,
    title: () => 'the proxy refuses its new configuration and goes on with the old one',
    confidence: 0.95,
    why: "One object that it cannot take is enough: from then on nobody's change reaches users.",
    misleading: [
      ['the Ingress is accepted by the API, existing routes work', 'with the configuration from before'],
    ],
    now: () => [
      'Find the object that the message names, and take it out or mend it.',
      'kubectl logs -n ingress-nginx deployment/ingress-nginx-controller | grep -A 5 "failure reloading"',
    ],
    lasting:
      'Let the proof require that the last reload succeeded, and check paths and snippets before the merge.',
    verify: () => ['kubectl logs -n ingress-nginx deployment/ingress-nginx-controller --since=1m'],
    can: 'rollback',
  },
  {
    failure: 'TRA-03',
    id: 'ingress-class-missing',
    boundary: 'traffic',
    pattern:
      /ingress does not contain a valid IngressClass|(?:Error obtaining Endpoints for Service|Service) "?(?<service>[\w/-]+)"?:? (?:no object matching key|does not have any active Endpoint|not found)/i,
    title: (g) =>
      g['service'] === undefined
        ? 'the ingress controller ignores an Ingress: its class is not valid'
        : `the ingress controller finds nothing behind the Service ${g['service']}`,
    confidence: 0.85,
    why: 'The controller says itself why it does not serve.',
    misleading: [['the Ingress was applied', 'the API stores it whether or not anybody serves it']],
    now: (_g, n) => [
      'Correct class or backend in Git.',
      `kubectl get ingress,services${n}`,
      'kubectl get ingressclasses',
    ],
    lasting: 'Check classes and backends before the merge.',
    verify: (_g, n) => [`kubectl get ingress${n}`],
    can: 'commit',
    symptom: true,
  },
  {
    failure: 'TRA-12',
    id: 'tls-wrong',
    boundary: 'traffic',
    pattern:
      /certificate has expired|x509: certificate (?:has expired|is valid for (?<valid>[^,]+), not (?<host>\S+)|signed by unknown authority)|unable to get local issuer certificate|SSL certificate problem: (?<problem>[^\n]+)|Kubernetes Ingress Controller Fake Certificate|no alternative certificate subject name matches|notAfter=.*\bexpired\b|verify error:num=(?:10|20|21|62)/i,
    title: (g) =>
      `TLS is wrong: ${g['host'] === undefined ? (g['problem'] ?? 'expired, incomplete or of another host') : `the certificate is for ${g['valid'] ?? ''}, not for ${g['host']}`}`,
    confidence: 0.88,
    why: 'Clients check the dates, the chain and the name of a certificate; one of them does not hold.',
    misleading: [['browsers work', 'they may know the missing intermediate; other clients do not']],
    now: () => [
      'Renew it, or install the whole chain for this host.',
      'openssl s_client -connect HOST:443 -servername HOST </dev/null | openssl x509 -noout -dates -ext subjectAltName',
      'kubectl get certificates -A',
    ],
    lasting: 'A probe of expiry and chain for every host.',
    verify: () => ['openssl s_client -connect HOST:443 -servername HOST </dev/null'],
  },
  {
    failure: 'TRA-10',
    id: 'dns-wrong',
    boundary: 'traffic',
    pattern:
      /NXDOMAIN|SERVFAIL|Could not resolve host:? ?(?<host>[\w.-]+)?|Temporary failure in name resolution|server can't find (?<host2>[\w.-]+)|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?<host3>[\w.-]+)/,
    title: (g) =>
      `DNS does not answer for ${g['host'] ?? g['host2'] ?? g['host3'] ?? 'a name that is asked for'}`,
    confidence: 0.8,
    why: 'The name does not resolve where it was asked: the record is missing, old, or the resolver is not the one that knows it.',
    misleading: [['curl by address and port-forward work', 'they do not ask DNS']],
    now: (g) => [
      'Ask from a pod and from outside, and compare with the address of the load balancer.',
      `kubectl run -it --rm dns --image=busybox --restart=Never -- nslookup ${g['host'] ?? g['host2'] ?? g['host3'] ?? 'HOST'}`,
    ],
    lasting: 'Let the proof ask the authoritative server.',
    verify: (g) => [`dig +short ${g['host'] ?? g['host2'] ?? g['host3'] ?? 'HOST'}`],
  },
  {
    failure: 'TRA-06',
    id: 'policy-blocks',
    boundary: 'traffic',
    pattern:
      /RBAC: access denied|upstream connect error or disconnect\/reset before headers|upstream_reset_before_response_started|response_flags"?[:=]"?(?:UF|UAEX)|policy-verdict:none|Policy denied/i,
    title: () => 'a policy of the mesh or the network blocks the path',
    confidence: 0.82,
    why: 'The proxy in front of the program refused the connection; the program has not seen it.',
    misleading: [['from a debug pod and by port-forward it works', 'the policy does not hold for them']],
    now: (_g, n) => [
      'Compare the policies with the labels of both sides, and allow this path.',
      `kubectl get networkpolicies,authorizationpolicies,peerauthentications${n}`,
    ],
    lasting: 'Evaluate policies on the labels of rendered pods.',
    verify: (_g, n) => [`kubectl get networkpolicies${n}`],
    can: 'commit',
  },
  {
    failure: 'TRA-11',
    id: 'edge-serves-old-build',
    boundary: 'traffic',
    pattern:
      /(?:^|\n)\s*(?:x-cache|cf-cache-status|x-proxy-cache|x-vercel-cache):? *(?:HIT|TCP_HIT|STALE)|ChunkLoadError/i,
    title: () => 'the edge or the browser still serves the old build',
    confidence: 0.7,
    why: 'What answers comes out of a cache, not from the cluster; pages of the old build ask for files that the new one does not have.',
    misleading: [
      ['every check in the cluster is green', 'users do not ask the cluster'],
      ['a hard refresh works', 'it goes past the cache'],
    ],
    now: () => [
      'Purge the entry document, and keep the old files reachable.',
      "curl -sI https://HOST/ | grep -iE 'age|cache'",
    ],
    lasting: 'no-cache for HTML, hashed files that stay for some releases, and a probe through the edge.',
    verify: () => ["curl -s https://HOST/ | grep -o 'assets/[^\"]*'"],
  },
  {
    failure: 'TRA-08',
    id: 'errors-during-switch',
    boundary: 'traffic',
    pattern:
      /upstream prematurely closed connection|(?:connect\(\) failed \(111|connection reset by peer).*while (?:connecting to|reading response header from) upstream|no live upstreams while connecting to upstream/i,
    title: () => 'requests fail while pods are exchanged: old pods go before traffic has left them',
    confidence: 0.62,
    why: 'A pod that ends is taken out of the load balancer a little after it stops listening.',
    misleading: [['checks before and after the release are green', 'it happens in between']],
    now: (_g, n) => [
      'Let pods wait before they stop (preStop sleep), and keep old ones longer.',
      `kubectl get pods${n} -o jsonpath='{.items[*].spec.containers[*].lifecycle}'`,
    ],
    lasting: 'Probe during a rollout and count it into the verdict.',
    verify: (_g, n) => [`kubectl get events${n} --field-selector reason=Killing`],
    can: 'commit',
    symptom: true,
  },
];

function sentences(view: View): readonly Told[] {
  const logs = view.world.logs
    .filter(
      ({ level, message }) =>
        level !== 'debug' && (level !== 'info' || /emerg|denied|ChunkLoadError/.test(message)),
    )
    .map((line): Told => ({
      text: line.message,
      who: line.component ?? 'log',
      space: line.fields['namespace'],
      weight: 0.9,
      claims: (boundary) => [view.claim(boundary, line.component ?? 'log', 'log', line.message, line.source)],
    }));
  const answers = view.world.answers
    .filter(
      ({ ok, answer }) =>
        ok !== true || /x-cache|cf-cache-status|Fake Certificate|verify error/i.test(answer),
    )
    .map(({ asked, answer, source }): Told => ({
      text: answer,
      who: asked,
      space: undefined,
      weight: 1,
      claims: (boundary) => [view.claim(boundary, asked, 'answer', answer.slice(0, 500), source)],
    }));
  const samples = view.world.samples
    .filter(
      ({ name, value }) => name === 'nginx_ingress_controller_config_last_reload_successful' && value === 0,
    )
    .map((sample): Told => ({
      text: 'config_last_reload_successful 0',
      who: sample.from ?? 'ingress controller',
      space: undefined,
      weight: 1,
      claims: (boundary) => [
        view.claim(boundary, sample.from ?? sample.name, sample.name, '0', sample.source),
      ],
    }));
  const certificates = view.kind('Certificate').flatMap((thing): Told[] =>
    thing
      .list('status', 'conditions')
      .some((item) => getString(item, 'type') === 'Ready' && getString(item, 'status') === 'False')
      ? [
          {
            text: 'certificate has expired or is not issued',
            who: thing.id,
            space: thing.namespace,
            weight: 1,
            claims: (boundary) => [view.about(boundary, thing, 'Ready', 'False', 'status', 'conditions')],
          },
        ]
      : [],
  );
  return [...logs, ...answers, ...samples, ...certificates];
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
        thing.whole &&
        (thing.list('spec', 'ingress').length === 0 || thing.get('spec', 'policyTypes') !== undefined),
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

/** TRA-03 to TRA-06, TRA-08, TRA-10 to TRA-12: from the user to the Service. */
export const entryRule: WorldRule = (view) => [
  ...ingresses(view),
  ...conflicts(view),
  ...routes(view),
  ...draftsOf(ROWS, sentences(view)),
  ...deniedAll(view),
];
