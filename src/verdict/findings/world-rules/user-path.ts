import { getString } from '../../../kernel/index.ts';
import type { WorldRule } from './rule.ts';
import { draftsOf } from './told.ts';
import type { Row, Told } from './told.ts';
import type { View } from './view.ts';

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
    pattern: /ingress does not contain a valid IngressClass|no (?:valid )?IngressClass found for ingress/i,
    title: () => 'the ingress controller ignores an Ingress: its class is not valid',
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
    failure: 'TRA-03',
    id: 'ingress-backend-missing',
    boundary: 'traffic',
    pattern:
      /(?:Error obtaining Endpoints for Service|[Ss]ervice) "?(?<service>[\w./-]+)"?:? (?:no object matching key|does not exist|not found)|<error: (?:services|endpoints) "(?<backend>[^"]+)" not found>/,
    title: (g) => `the ingress controller finds no Service ${g['service'] ?? g['backend'] ?? ''}`,
    confidence: 0.85,
    why: 'Whoever asks for that path gets 503 or the default backend.',
    misleading: [['the Ingress was applied', 'the API stores it whether or not anybody serves it']],
    now: (_g, n) => [
      'Correct the name of the backend in Git, or deliver the Service.',
      `kubectl get ingress,services${n}`,
    ],
    lasting: 'Check backends before the merge (landfall check).',
    verify: (_g, n) => [`kubectl get ingress${n}`],
    can: 'commit',
    symptom: true,
  },
  {
    failure: 'TRA-12',
    id: 'tls-secret-missing',
    boundary: 'traffic',
    pattern:
      /(?:local )?SSL certificate "?(?<secret>[\w./-]+)"? (?:was )?not found|[Ee]rror (?:getting|obtaining) (?:SSL certificate|X\.509 certificate|.*certificate from secret)[^"]*"(?<secret2>[^"]+)"|secret "?(?<secret3>[\w./-]+)"? does not exist.*(?:tls|certificate)/,
    title: (g) =>
      `the TLS Secret ${g['secret'] ?? g['secret2'] ?? g['secret3'] ?? ''} is not there, so the controller answers with its own certificate`,
    confidence: 0.9,
    why: 'A certificate that no client trusts for this host takes its place.',
    misleading: [['port 443 answers', 'with the certificate of the controller']],
    now: (g, n) => [
      'Create the Secret in the namespace of the Ingress, or correct its name in Git.',
      `kubectl get secret ${(g['secret'] ?? g['secret2'] ?? g['secret3'] ?? 'SECRET').split('/').at(-1) ?? ''}${n}`,
      'kubectl get certificates -A',
    ],
    lasting: 'A probe of expiry and chain for every host.',
    verify: () => ['openssl s_client -connect HOST:443 -servername HOST </dev/null'],
    can: 'commit',
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
      /NXDOMAIN|SERVFAIL|Could not resolve host:? ?(?<host>[\w.-]+)?|Temporary failure in name resolution|server can't find (?<host2>[\w.-]+)|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?<host3>[\w.-]+)|lookup (?<host4>[\w.-]+)(?: on \S+:53)?: .*(?:no such host|server misbehaving|i\/o timeout)/,
    title: (g) =>
      `DNS does not answer for ${g['host'] ?? g['host2'] ?? g['host3'] ?? g['host4'] ?? 'a name that is asked for'}`,
    confidence: 0.8,
    why: 'The name does not resolve where it was asked: the record is missing, old, or the resolver is not the one that knows it.',
    misleading: [['curl by address and port-forward work', 'they do not ask DNS']],
    now: (g) => [
      'Ask from a pod and from outside, and compare with the address of the load balancer.',
      `kubectl run -it --rm dns --image=busybox --restart=Never -- nslookup ${g['host'] ?? g['host2'] ?? g['host3'] ?? g['host4'] ?? 'HOST'}`,
    ],
    lasting: 'Let the proof ask the authoritative server.',
    verify: (g) => [`dig +short ${g['host'] ?? g['host2'] ?? g['host3'] ?? g['host4'] ?? 'HOST'}`],
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

/** True while something is shown and all of it is ready. */
function allReady(view: View): boolean {
  const pods = view.pods.filter(({ phase }) => phase !== 'Succeeded');
  return pods.length > 0 && pods.every(({ ready }) => ready === true);
}

function shapeOf(message: string): string {
  return message.replaceAll(/[0-9a-f-]{6,}|\d+/g, '#').slice(0, 80);
}

function sentences(view: View): readonly Told[] {
  const often = new Map<string, number>();
  for (const { message } of view.world.logs)
    if (often.size < 5_000) often.set(shapeOf(message), (often.get(shapeOf(message)) ?? 0) + 1);
  // A line or two in the log of what is all ready is its daily life.
  const well = allReady(view);
  const logs = view.world.logs
    .filter(
      ({ level, message }) =>
        level !== 'debug' &&
        (level !== 'info' || /emerg|denied|ChunkLoadError|Ignoring ingress/.test(message)),
    )
    .map((line): Told => ({
      text: line.message,
      who: line.component ?? 'log',
      space: line.fields['namespace'],
      weight: well && (often.get(shapeOf(line.message)) ?? 0) < 3 ? 0.5 : 0.9,
      claims: (boundary) => [view.claim(boundary, line.component ?? 'log', 'log', line.message, line.source)],
    }));
  const backends = view.kind('Ingress').flatMap((thing): Told[] =>
    thing.list('status', 'backendErrors').map((item) => ({
      text: getString(item, 'message') ?? '',
      who: thing.id,
      space: thing.namespace,
      weight: 1,
      claims: (boundary) => [
        view.about(boundary, thing, 'backend', getString(item, 'message') ?? '', 'spec', 'rules'),
      ],
    })),
  );
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
  return [...logs, ...backends, ...answers, ...samples, ...certificates];
}

/** TRA-03, TRA-04, TRA-06, TRA-08, TRA-10 to TRA-12: what proxies, resolvers, policies and edges say. */
export const userPathRule: WorldRule = (view) => draftsOf(ROWS, sentences(view));
