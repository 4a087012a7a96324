import { getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { FIELD_MANAGER } from '../../apply/index.ts';

/** Managers that client-side applies of kubectl and Argo CD write by. */
export const CLIENT_SIDE_MANAGERS: readonly string[] = ['kubectl-client-side-apply', 'argocd-controller'];

/** Both sets of fields, as `fieldsV1` writes them. */
function union(one: JsonObject, other: JsonObject): JsonObject {
  const all: Record<string, JsonValue> = { ...one };
  for (const [key, value] of Object.entries(other)) {
    const had = all[key];
    all[key] = isJsonObject(had) && isJsonObject(value) ? union(had, value) : (had ?? value);
  }
  return all;
}

/** Argo CD's own name, by which it applies on the server's side as well where it is asked to. */
const BEFORE = 'argocd-controller';

function isClientSide(entry: JsonObject, managers: readonly string[]): boolean {
  const manager = getString(entry, 'manager') ?? '';
  const operation = getString(entry, 'operation');
  return (
    managers.includes(manager) &&
    (operation === 'Update' || (operation === 'Apply' && manager === BEFORE)) &&
    getString(entry, 'subresource') === undefined
  );
}

/** True when a client-side apply, or Argo CD, still owns fields of the object. */
export function ownedClientSide(live: KubeObject, managers: readonly string[]): boolean {
  return (live.metadata.managedFields ?? []).some((entry) => isClientSide(entry, managers));
}

/** `managedFields` with what client-side applies own handed to Landfall's own entry; nothing else of the object moves. */
export function takenOver(live: KubeObject, managers: readonly string[]): readonly JsonObject[] {
  const entries = live.metadata.managedFields ?? [];
  const given = entries.filter((entry) => isClientSide(entry, managers));
  const isOurs = (entry: JsonObject) =>
    getString(entry, 'manager') === FIELD_MANAGER &&
    getString(entry, 'operation') === 'Apply' &&
    getString(entry, 'subresource') === undefined;
  const ours = entries.find(isOurs);
  const fields = [...given, ...(ours === undefined ? [] : [ours])]
    .map((entry) => entry['fieldsV1'])
    .filter((set): set is JsonObject => isJsonObject(set))
    .reduce(union, {});
  const base = ours ?? given[0] ?? {};
  const merged: JsonObject = { ...base, manager: FIELD_MANAGER, operation: 'Apply', fieldsV1: fields };
  return [...entries.filter((entry) => !isOurs(entry) && !given.includes(entry)), merged];
}

/**
 * Makes Landfall the owner of what earlier client-side applies wrote, so that the next apply takes away what Git no
 * longer asks for. Source: Kubernetes' `csaupgrade`. Throws a conflict when the object moved since it was read.
 */
export async function takeOver(
  client: KubeClient,
  live: KubeObject,
  managers: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (!ownedClientSide(live, managers)) return;
  const { resourceVersion } = live.metadata;
  await client.patch(
    refOf(live),
    'json',
    [
      { op: 'replace', path: '/metadata/managedFields', value: [...takenOver(live, managers)] },
      ...(resourceVersion === undefined
        ? []
        : [{ op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion }]),
    ],
    { fieldManager: FIELD_MANAGER },
    signal,
  );
}
