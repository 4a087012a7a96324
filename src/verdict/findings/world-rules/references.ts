import { getArray, getObject, getString } from '../../../kernel/index.ts';
import { WORKLOADS, habit, parts, templatePath } from './habit.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';
import type { View } from './view.ts';

interface Reference {
  readonly kind: 'ConfigMap' | 'Secret' | 'ServiceAccount' | 'PersistentVolumeClaim';
  readonly name: string;
  readonly key: string | undefined;
  readonly thing: Thing;
  readonly path: readonly (string | number)[];
}

function references(view: View): readonly Reference[] {
  const found: Reference[] = [];
  for (const { thing, container, path } of parts(view)) {
    for (const [index, from] of getArray(container, 'envFrom').entries())
      for (const [field, kind] of [
        ['configMapRef', 'ConfigMap'],
        ['secretRef', 'Secret'],
      ] as const) {
        const name = getString(from, field, 'name');
        if (name !== undefined && getObject(from, field)?.['optional'] !== true)
          found.push({ kind, name, key: undefined, thing, path: [...path, 'envFrom', index] });
      }
    for (const [index, item] of getArray(container, 'env').entries())
      for (const [field, kind] of [
        ['configMapKeyRef', 'ConfigMap'],
        ['secretKeyRef', 'Secret'],
      ] as const) {
        const name = getString(item, 'valueFrom', field, 'name');
        if (name !== undefined && getObject(item, 'valueFrom', field)?.['optional'] !== true)
          found.push({
            kind,
            name,
            key: getString(item, 'valueFrom', field, 'key'),
            thing,
            path: [...path, 'env', index],
          });
      }
  }
  for (const thing of view.desired) {
    if (!WORKLOADS.some((kind) => kind === thing.kind)) continue;
    const base = [...templatePath(thing), 'spec'];
    const account = thing.text(...base, 'serviceAccountName');
    if (account !== undefined && account !== 'default')
      found.push({
        kind: 'ServiceAccount',
        name: account,
        key: undefined,
        thing,
        path: [...base, 'serviceAccountName'],
      });
    for (const [index, volume] of thing.list(...base, 'volumes').entries())
      for (const [field, kind, key] of [
        ['configMap', 'ConfigMap', 'name'],
        ['secret', 'Secret', 'secretName'],
        ['persistentVolumeClaim', 'PersistentVolumeClaim', 'claimName'],
      ] as const) {
        const name = getString(volume, field, key);
        if (name !== undefined && getObject(volume, field)?.['optional'] !== true)
          found.push({ kind, name, key: undefined, thing, path: [...base, 'volumes', index] });
      }
  }
  return found;
}

/** Kinds that make Secrets and ConfigMaps after they are applied: the name need not be in the set. */
const MAKERS = [
  'ExternalSecret',
  'SealedSecret',
  'Certificate',
  'VaultStaticSecret',
  'SecretProviderClass',
  'Bundle',
] as const;

/** What templates name and neither the rendered set nor the cluster has. Without a cluster only a risk: it may be there. */
export const dangling: WorldRule = (view) => {
  const asked = view.live.length > 0 && view.world.unreadable.length === 0;
  const seen = new Set<string>();
  return references(view).flatMap((reference): Draft[] => {
    const { kind, name, key, thing, path } = reference;
    const fits = (item: Thing) =>
      item.kind === kind &&
      item.name === name &&
      (item.namespace === undefined || thing.namespace === undefined || item.namespace === thing.namespace);
    const object = view.desired.find(fits) ?? view.live.find(fits);
    const made = view.desired.some(
      (item) =>
        MAKERS.some((maker) => maker === item.kind) &&
        [item.name, item.text('spec', 'target', 'name'), item.text('spec', 'secretName')].includes(name),
    );
    const id = `${kind}/${name}/${object === undefined ? '' : (key ?? '')}/${thing.namespace ?? ''}`;
    if (made || seen.has(id)) return [];
    const failure =
      kind === 'ServiceAccount' ? 'LIV-04' : kind === 'PersistentVolumeClaim' ? 'ROL-04' : 'ROL-07';
    if (object === undefined) {
      seen.add(id);
      return [
        habit(
          view,
          { thing, path },
          {
            failure,
            id: 'reference-missing',
            boundary: 'health',
            kind: asked ? 'cause' : 'risk',
            confidence: asked ? 0.95 : 0.5,
            title: `${thing.id} needs the ${kind} ${name}, which ${asked ? 'neither Git nor the cluster has' : 'is not in the rendered set'}`,
            why: asked
              ? 'No container of the pod starts before it is there.'
              : 'It may be in the cluster: with --cluster it is looked up.',
            fix: `Deliver the ${kind} ${name}, or correct the name.`,
            attribute: kind,
            value: name,
          },
        ),
      ];
    }
    const data = { ...object.map('data'), ...object.map('stringData'), ...object.map('binaryData') };
    if (key === undefined || !object.whole || !view.desired.includes(object) || Object.hasOwn(data, key))
      return [];
    seen.add(id);
    return [
      habit(
        view,
        { thing, path },
        {
          failure: 'ROL-07',
          id: 'key-missing',
          boundary: 'health',
          kind: 'cause',
          confidence: 0.95,
          title: `${thing.id} needs the key ${key} of the ${kind} ${name}, which it does not have`,
          why: `It has ${Object.keys(data).join(', ') || 'none'}.`,
          fix: 'Add the key, or correct its name.',
          attribute: 'key',
          value: key,
        },
      ),
    ];
  });
};
