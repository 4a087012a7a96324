import type { JsonObject } from '../../src/kernel/index.ts';
import { redeliver, scenarios } from './scenarios.ts';
import { syncedAt } from './witness.ts';
import type { Witness } from './witness.ts';

// Somebody decided that it goes no further; whoever reads has to be told where, and by what.

const SETTINGS = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n';

const onDelete = (kind: string, image: string, more = '') => `apiVersion: apps/v1
kind: ${kind}
metadata: {name: keeper}
spec:
  ${more}
  updateStrategy: {type: OnDelete}
  selector: {matchLabels: {app: keeper}}
  template: {metadata: {labels: {app: keeper}}, spec: {containers: [{name: main, image: "${image}"}]}}
`;

function annotate({ kube }: Witness, name: string, annotations: JsonObject) {
  const application = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', namespace: 'argocd', name };
  return kube.patch(application, 'merge', { metadata: { annotations } }, { fieldManager: 'kubectl' });
}

scenarios('a delivery that is held', {
  'keeper-set': {
    says: 'a StatefulSet that replaces pods only when somebody deletes them',
    yaml: (w) => onDelete('StatefulSet', w.images.now, 'serviceName: keeper'),
    happens: (w, name) => redeliver(w, name, onDelete('StatefulSet', w.images.old, 'serviceName: keeper')),
    wanted: 'unproven at rollout: on-delete',
  },
  'keeper-daemon': {
    says: 'a DaemonSet that does the same',
    yaml: (w) => onDelete('DaemonSet', w.images.now),
    happens: (w, name) => redeliver(w, name, onDelete('DaemonSet', w.images.old)),
    wanted: 'unproven at rollout: on-delete',
  },
  skipped: {
    says: 'an Application that its controller is told to skip',
    happens: async (w, name) => {
      await annotate(w, name, { 'argocd.argoproj.io/skip-reconcile': 'true' });
      await w.commit(name, w.manifests({ image: w.images.old }));
    },
    wanted: 'stopped at sync: reconcile-skipped',
  },
  excluded: {
    says: 'an object of a kind that the controller leaves out',
    happens: async (w, name) => {
      const revision = await w.commit(name, w.manifests({ more: SETTINGS }));
      const message = 'Resource /ConfigMap settings is excluded in the settings';
      await w.status(name, {
        ...syncedAt(revision),
        conditions: [{ type: 'ExcludedResourceWarning', message }],
      });
    },
    wanted: 'stopped at sync: resource-excluded',
  },
  nameless: {
    says: 'an image whose tag is empty, as of a variable that nobody set',
    shape: () => ({ image: 'registry.corp.io/app:' }),
    wanted: 'stopped at render: image-invalid',
  },
});
