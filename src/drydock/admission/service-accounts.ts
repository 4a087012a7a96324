import { SYSTEM_PRIORITY_CLASSES } from '../kinds/access-rules.ts';
import { asJson, copyJson, mapAt, mapsAt, stringAt } from '../kinds/json-access.ts';
import type { AdmissionPlugin } from '../machinery/admission.ts';
import { forbidden } from '../machinery/status-errors.ts';
import type { Store } from '../store/store.ts';

const MIRROR = 'kubernetes.io/config.mirror';
const CLASSES = 'scheduling.k8s.io/priorityclasses';

/**
 * A pod runs as an account that is there, and pulls with its secrets. The account `default` is made a moment after its
 * namespace, and not waited for. Source: plugin/pkg/admission/serviceaccount.
 */
export function serviceAccounts(store: Store): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    mutate(operation, object, _old, { kind, subresource }) {
      if (operation !== 'CREATE' || kind.table !== '/pods' || subresource !== undefined) return;
      if (object.metadata.annotations?.[MIRROR] !== undefined) return;
      const spec = mapAt(asJson(object), 'spec');
      const name = stringAt(spec, 'serviceAccountName') || 'default';
      const namespace = object.metadata.namespace ?? '';
      const account = store.get('/serviceaccounts', namespace, name);
      if (account === undefined) {
        if (name === 'default') return;
        throw forbidden(
          kind,
          object.metadata.name,
          `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`,
        );
      }
      const secrets = mapsAt(asJson(account.object), 'imagePullSecrets');
      if (secrets.length > 0 && mapsAt(spec, 'imagePullSecrets').length === 0) {
        spec.imagePullSecrets = copyJson(secrets);
      }
    },
  };
}

/** A pod's priority comes from a class that is there. Source: plugin/pkg/admission/priority. */
export function priorities(store: Store): AdmissionPlugin {
  return {
    name: 'Priority',
    mutate(operation, object, _old, { kind, subresource }) {
      if (operation !== 'CREATE' || kind.table !== '/pods' || subresource !== undefined) return;
      const spec = mapAt(asJson(object), 'spec');
      const name = stringAt(spec, 'priorityClassName');
      const classes = store.table(CLASSES);
      const found =
        name === ''
          ? [...classes.entries.values()].find((entry) => asJson(entry.object).globalDefault === true)
          : classes.entries.get(name);
      if (found === undefined) {
        if (name === '' || Object.hasOwn(SYSTEM_PRIORITY_CLASSES, name)) {
          if (name !== '') spec.priority = SYSTEM_PRIORITY_CLASSES[name] ?? 0;
          return;
        }
        throw forbidden(kind, object.metadata.name, `no PriorityClass with name ${name} was found`);
      }
      const { value, preemptionPolicy } = asJson(found.object);
      spec.priorityClassName = found.name;
      spec.priority = typeof value === 'number' ? value : 0;
      if (typeof preemptionPolicy === 'string') spec.preemptionPolicy = preemptionPolicy;
    },
    validate(operation, object, _old, { kind, subresource }) {
      if (operation === 'DELETE' || kind.table !== CLASSES || subresource !== undefined) return;
      if (asJson(object).globalDefault !== true) return;
      for (const { object: other, name } of store.table(CLASSES).entries.values()) {
        if (name === object.metadata.name || asJson(other).globalDefault !== true) continue;
        const why = `PriorityClass ${name} is already marked as default. Only one default can exist`;
        throw forbidden(kind, object.metadata.name, why);
      }
    },
  };
}
