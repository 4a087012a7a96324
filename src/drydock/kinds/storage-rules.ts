import { jsonEqual } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { GoText, type FieldError } from '../machinery/status-errors.ts';
import { bad, oneOf, required, requiredOneOf, unsupported } from './field-errors.ts';
import { asJson, mapAt, maybeMap, setDefault, stringAt } from './json-access.ts';
import type { KindRules } from './kind.ts';
import { sourceDefaults } from './pod-defaults.ts';

const MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];
/** What a PersistentVolume says besides its source. */
const NOT_SOURCES = new Set([
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
]);
const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

function modesOf(spec: JsonObject): FieldError[] {
  const modes = Array.isArray(spec.accessModes) ? spec.accessModes : [];
  return modes.flatMap((mode) => (typeof mode === 'string' ? oneOf('spec.accessModes', mode, MODES) : []));
}

const noModes = (spec: JsonObject) => !Array.isArray(spec.accessModes) || spec.accessModes.length === 0;

function protect(object: KubeObject, finalizer: string): void {
  const { finalizers = [] } = object.metadata;
  if (!finalizers.includes(finalizer)) {
    Object.assign(object.metadata, { finalizers: [...finalizers, finalizer] });
  }
}

/**
 * Source: ValidatePersistentVolumeClaimSpec, and the admission plugins StorageObjectInUseProtection and
 * DefaultStorageClass.
 */
export const persistentVolumeClaimRules: KindRules = {
  defaults(object) {
    setDefault(mapAt(asJson(object), 'spec'), 'volumeMode', 'Filesystem');
  },
  prepareCreate(object, context) {
    asJson(object).status = { phase: 'Pending' };
    protect(object, 'kubernetes.io/pvc-protection');
    const spec = mapAt(asJson(object), 'spec');
    if (spec.storageClassName !== undefined) return;
    const standard = [...context.all('storage.k8s.io', 'storageclasses')]
      .filter(({ metadata }) => metadata.annotations?.[DEFAULT_CLASS] === 'true')
      .toSorted((a, b) =>
        String(b.metadata.creationTimestamp).localeCompare(String(a.metadata.creationTimestamp)),
      );
    if (standard[0] !== undefined) spec.storageClassName = standard[0].metadata.name;
  },
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    return [
      ...(noModes(spec) ? [required('spec.accessModes', 'at least 1 access mode is required')] : []),
      ...modesOf(spec),
      ...(maybeMap(maybeMap(spec, 'resources'), 'requests')?.storage === undefined
        ? [required('spec.resources[storage]')]
        : []),
      ...oneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']),
    ];
  },
  validateUpdate(object, old) {
    const bound = stringAt(maybeMap(asJson(old), 'spec'), 'volumeName');
    const fixed = (claim: KubeObject): JsonObject => {
      const {
        resources: _resources,
        volumeName,
        volumeAttributesClassName: _class,
        ...rest
      } = maybeMap(asJson(claim), 'spec') ?? {};
      // A claim is bound once; a default class may still come to one that has none.
      return { ...rest, ...(bound === '' || volumeName === undefined ? {} : { volumeName }) };
    };
    const before = fixed(old);
    const now = fixed(object);
    if (before.storageClassName === undefined && now.storageClassName !== undefined && bound === '') {
      delete now.storageClassName;
    }
    if (jsonEqual(before, now)) return [];
    const detail =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    return [{ type: 'forbidden', field: 'spec', detail }];
  },
};

function shownCapacity(capacity: JsonObject): GoText {
  const entries = Object.entries(capacity).map(
    ([name, amount]) => `${JSON.stringify(name)}:${JSON.stringify(amount)}`,
  );
  return new GoText(
    entries.length === 0 ? 'core.ResourceList(nil)' : `core.ResourceList{${entries.join(', ')}}`,
  );
}

/** Source: ValidatePersistentVolumeSpec, and the admission plugin StorageObjectInUseProtection. */
export const persistentVolumeRules: KindRules = {
  defaults(object) {
    const spec = mapAt(asJson(object), 'spec');
    setDefault(spec, 'persistentVolumeReclaimPolicy', 'Retain');
    setDefault(spec, 'volumeMode', 'Filesystem');
    sourceDefaults(spec);
  },
  prepareCreate(object) {
    asJson(object).status = { phase: 'Pending' };
    protect(object, 'kubernetes.io/pv-protection');
  },
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    const capacity = maybeMap(spec, 'capacity') ?? {};
    const sources = Object.keys(spec).filter((key) => !NOT_SOURCES.has(key));
    const policy = spec.persistentVolumeReclaimPolicy;
    const errors = [
      ...(noModes(spec) ? [required('spec.accessModes')] : []),
      ...modesOf(spec),
      ...(Object.keys(capacity).length === 0 ? [required('spec.capacity')] : []),
      ...(capacity.storage === undefined || Object.keys(capacity).length > 1
        ? [unsupported('spec.capacity', shownCapacity(capacity), ['storage'])]
        : []),
      ...oneOf('spec.persistentVolumeReclaimPolicy', policy, RECLAIM_POLICIES),
    ];
    for (const source of sources.slice(1)) {
      const detail = 'may not specify more than 1 volume type';
      errors.push({ type: 'forbidden', field: `spec.${source}`, detail });
    }
    if (sources.length === 0) errors.push(required('spec', 'must specify a volume type'));
    return errors;
  },
};

export const storageClassRules: KindRules = {
  defaults(object) {
    setDefault(asJson(object), 'reclaimPolicy', 'Delete');
    setDefault(asJson(object), 'volumeBindingMode', 'Immediate');
  },
  validate(object) {
    const { provisioner, reclaimPolicy, volumeBindingMode } = asJson(object);
    return [
      ...(provisioner === undefined || provisioner === '' ? [required('provisioner')] : []),
      ...oneOf('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']),
      ...requiredOneOf('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']),
    ];
  },
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    for (const [field, reason] of [
      ['parameters', 'updates to parameters are forbidden.'],
      ['provisioner', 'updates to provisioner are forbidden.'],
      ['reclaimPolicy', 'updates to reclaimPolicy are forbidden.'],
    ] as const) {
      if (jsonEqual(asJson(object)[field] ?? null, asJson(old)[field] ?? null)) continue;
      errors.push({ type: 'forbidden', field, detail: reason });
    }
    const now = asJson(object).volumeBindingMode;
    if (now !== asJson(old).volumeBindingMode)
      errors.push(bad('volumeBindingMode', now, 'field is immutable'));
    return errors;
  },
};
