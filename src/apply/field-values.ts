import { isJsonObject, jsonEqual, parseJson, textOf } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { FieldSteps } from './field-set.ts';

/** Secrets are stored as `data`; `stringData` is only a way to write them. */
export function secretAsStored(object: KubeObject): JsonObject {
  const { stringData, ...rest } = object;
  if (object.kind !== 'Secret' || !isJsonObject(stringData)) return object;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(textOf(value)).toString('base64'),
  ]);
  const data = isJsonObject(object['data']) ? object['data'] : {};
  return { ...rest, data: { ...data, ...Object.fromEntries(encoded) } };
}

/** A key that the API server fills in may be missing from what we applied. */
export function defaulted(item: JsonValue, name: string): JsonValue {
  const value = isJsonObject(item) ? item[name] : undefined;
  return value ?? (name === 'protocol' ? 'TCP' : '');
}

/** The value at one step of a set of fields. */
export function valueAt(value: JsonValue | undefined, step: string): JsonValue | undefined {
  if (step.startsWith('f:')) return isJsonObject(value) ? value[step.slice(2)] : undefined;
  if (!Array.isArray(value)) return undefined;
  const key = parseJson(step.slice(2), 'a key of managedFields');
  if (step.startsWith('v:')) return value.find((item) => jsonEqual(item, key));
  return value.find(
    (item) =>
      isJsonObject(key) &&
      Object.entries(key).every(([name, wanted]) => jsonEqual(defaulted(item, name), wanted)),
  );
}

/** `spec.template.spec.containers[name=web].image` */
export function fieldText(steps: FieldSteps): string {
  return steps
    .map((step, index) => {
      if (step.startsWith('f:')) return `${index === 0 ? '' : '.'}${step.slice(2)}`;
      const key = parseJson(step.slice(2), 'a key of managedFields');
      const text = isJsonObject(key)
        ? Object.entries(key)
            .map(([name, value]) => `${name}=${textOf(value)}`)
            .join(',')
        : textOf(key);
      return `[${text}]`;
    })
    .join('');
}
