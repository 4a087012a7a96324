import { getArray, getNumber, getString, textOf } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';
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
        drafts.push({
          // The Service may be there and only not be shown.
          ...draft(
            ingress,
            'ingress-backend-missing',
            `the Ingress ${ingress.name} leads to the Service ${backend.service}, which is not there`,
            'Whoever asks for that path gets 503 or the default backend.',
            [view.about('traffic', ingress, 'backend', backend.service, ...backend.path)],
            0.8,
            ['Correct the name in Git, or deliver the Service.', `kubectl get services${ingress.n}`],
          ),
          kind: 'risk',
        });
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
      const refused = view.world.answers.some(
        ({ answer }) => secret !== undefined && answer.includes(`secrets "${secret}" not found`),
      );
      const made =
        view.kind('Certificate').some((item) => item.text('spec', 'secretName') === secret) ||
        (ingress.map('metadata', 'annotations') !== undefined &&
          Object.keys(ingress.map('metadata', 'annotations') ?? {}).some((key) =>
            key.startsWith('cert-manager.io/'),
          ));
      if (
        secret === undefined ||
        (secrets.length === 0 && !refused) ||
        made ||
        secrets.some((item) => item.name === secret)
      )
        continue;
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
        // A list of Secrets shows all of them; single manifests do not.
        ...(secrets.every(({ whole }) => whole) && !refused ? { kind: 'risk', confidence: 0.6 } : {}),
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

/** TRA-03, TRA-12: an Ingress that nobody serves, or that leads nowhere. */
export const ingressRule: WorldRule = (view) => [...ingresses(view), ...conflicts(view)];
