import { getString } from '../../../kernel/index.ts';
import type { ClaimSource } from '../../../boundaries/index.ts';
import { quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

const PRODUCTION = /(?:^|[^a-z])(?:prod|production|prd|live)(?:[^a-z]|$)/i;
/** Another environment as a label of a host name: `staging-db.internal`, `db.dev.example.com`. */
const OTHER =
  /(?:^|[/@.\s"'=-])(?<host>(?:[\w-]+[.-])*(?:staging|stage|stg|dev|develop|qa|uat|sandbox|test)(?:[.-][\w-]+)*(?:\.[\w-]+)*)(?::\d+)?(?:[/\s"']|$)/i;
const PLACE =
  /(?:host|hostname|url|uri|endpoint|dsn|database|addr|address|server|broker|bootstrap|upstream)s?$/i;

interface Setting {
  readonly key: string;
  readonly value: string;
  readonly of: string;
  readonly space: string | undefined;
  readonly source: ClaimSource;
}

function settings(view: View): readonly Setting[] {
  const maps = [...view.live, ...view.desired].filter(({ kind }) => kind === 'ConfigMap');
  const fromMaps = maps.flatMap((thing) =>
    Object.entries(thing.map('data') ?? {}).flatMap(([key, value]) =>
      typeof value === 'string' && value.length < 500
        ? [{ key, value, of: thing.id, space: thing.namespace, source: thing.cite('data', key) }]
        : [],
    ),
  );
  const fromEnv = view
    .declared('Deployment', 'StatefulSet', 'DaemonSet', 'CronJob', 'Job')
    .flatMap((thing) => {
      const at =
        thing.kind === 'CronJob'
          ? (['spec', 'jobTemplate', 'spec', 'template', 'spec', 'containers'] as const)
          : (['spec', 'template', 'spec', 'containers'] as const);
      return thing.list(...at).flatMap((container, index) =>
        (Array.isArray(container['env']) ? container['env'] : []).flatMap((item): Setting[] => {
          const key = getString(item, 'name');
          const value = getString(item, 'value');
          return key === undefined || value === undefined
            ? []
            : [{ key, value, of: thing.id, space: thing.namespace, source: thing.cite(...at, index, 'env') }];
        }),
      );
    });
  return [...fromMaps, ...fromEnv];
}

/** HEA-03: what calls itself production names a host of another environment. */
export const otherEnvironmentRule: WorldRule = (view) => {
  const all = settings(view);
  const drafts: Draft[] = [];
  for (const setting of all) {
    if (!PLACE.test(setting.key)) continue;
    const host = OTHER.exec(setting.value)?.groups?.['host'];
    if (host === undefined || PRODUCTION.test(setting.value)) continue;
    const own = all.find(
      ({ of, key, value }) =>
        of === setting.of &&
        /(?:^|_)(?:env|environment|stage|tier|profile)$/i.test(key) &&
        PRODUCTION.test(value),
    );
    const named = PRODUCTION.test(setting.space ?? '') || PRODUCTION.test(setting.of);
    if (own === undefined && !named) continue;
    const connected = view.world.logs.find(
      ({ message }) => message.includes(host) && /connect/i.test(message),
    );
    drafts.push({
      failure: 'HEA-03',
      id: 'configuration-of-other-environment',
      boundary: 'health',
      title: `${setting.of} is of production and names ${host}`,
      confidence: connected === undefined ? 0.7 : 0.88,
      why: [
        `${setting.key} is ${quote(setting.value)}${own === undefined ? '' : `, beside ${own.key} ${own.value}`}.`,
        connected === undefined
          ? 'Nothing fails where the other environment answers; the results are simply those of another place.'
          : `The log says that it went there: ${quote(connected.message)}`,
      ],
      claims: [
        view.claim('health', setting.of, setting.key, setting.value, setting.source),
        ...(own === undefined ? [] : [view.claim('health', own.of, own.key, own.value, own.source)]),
        ...(connected === undefined
          ? []
          : [view.claim('health', connected.component ?? 'log', 'log', connected.message, connected.source)]),
      ],
      misleading: [
        ['Completed, SUCCESS, all ready', 'the work was done, on the data of another environment'],
      ],
      now: [
        'Set the value of this environment in Git, start the readers anew, and run again what ran on wrong data.',
        `kubectl get ${setting.of.split('/')[0]?.toLowerCase() ?? 'configmap'} ${setting.of.split('/').at(-1) ?? ''}${setting.space === undefined ? '' : ` -n ${setting.space}`} -o yaml`,
      ],
      lasting: ['Check in CI that an overlay names hosts of its own environment only.'],
      verify: ['kubectl logs POD | grep -i connect'],
      can: 'commit',
      space: setting.space,
    });
    break;
  }
  return drafts;
};
