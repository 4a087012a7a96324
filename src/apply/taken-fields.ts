import { getString, isJsonObject } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { isClientSideApply } from './client-side-apply.ts';
import { isOurs } from './field-manager.ts';
import { difference, isWhole } from './field-set.ts';
import type { FieldSet, FieldSteps } from './field-set.ts';
import { fieldText } from './field-values.ts';

/** A field that an apply takes from somebody. */
export interface TakenField {
  /** `spec.replicas` */
  readonly field: string;
  readonly by: string;
  /** True where they apply it as we do: each of the two will undo what the other did. */
  readonly isContested: boolean;
}

const NAMED = 10;

/**
 * What others own and will not after this apply, by what the API server predicts: `kubectl apply --server-side` refuses
 * these as conflicts. What a client-side apply wrote is left out; it is what this apply stands in for.
 */
export function takenFields(before: KubeObject, predicted: KubeObject): readonly TakenField[] {
  const after = new Map((predicted.metadata.managedFields ?? []).map((entry) => [ownerOf(entry), entry]));
  return (before.metadata.managedFields ?? [])
    .filter((entry) => !isOurs(entry) && !isClientSideApply(entry))
    .flatMap((entry) => {
      const lost = difference(fieldsOf(entry), fieldsOf(after.get(ownerOf(entry))));
      return leavesOf(lost, []).map((steps) => ({
        field: fieldText(steps),
        by: getString(entry, 'manager') ?? 'somebody',
        isContested: getString(entry, 'operation') === 'Apply',
      }));
    })
    .slice(0, NAMED);
}

function ownerOf(entry: JsonObject): string {
  return JSON.stringify(
    ['manager', 'operation', 'apiVersion', 'subresource'].map((field) => getString(entry, field) ?? ''),
  );
}

function fieldsOf(entry: JsonObject | undefined): FieldSet {
  const fields = entry?.['fieldsV1'];
  return isJsonObject(fields) ? fields : {};
}

function leavesOf(set: FieldSet, above: FieldSteps): readonly FieldSteps[] {
  return Object.entries(set).flatMap(([step, node]): readonly FieldSteps[] => {
    if (step === '.') return [];
    const steps = [...above, step];
    return !isJsonObject(node) || isWhole(node) ? [steps] : leavesOf(node, steps);
  });
}
