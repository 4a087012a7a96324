import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { getArray, getString, isJsonObject } from '../../kernel/index.ts';
import { age } from '../tables/age.ts';
import type { Column, Printer } from '../tables/column.ts';
import { followJsonPath, parseJsonPath } from './json-path.ts';

const NAME_COLUMN: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object.',
  priority: 0,
};

function columnType(text: string): Column['type'] {
  return text === 'integer' || text === 'number' || text === 'boolean' || text === 'date' ? text : 'string';
}

function cellOf(found: readonly JsonValue[], type: Column['type'], now: number): JsonValue {
  const [value] = found;
  if (value === undefined) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? age(value, now) : '<unknown>';
    case 'string':
      return typeof value === 'string' ? value : JSON.stringify(found.length > 1 ? found : value);
    default:
      return type satisfies never;
  }
}

/** The printer that a version's additionalPrinterColumns describe; undefined when it has none. */
export function customColumns(version: JsonObject): Printer | undefined {
  const given = getArray(version, 'additionalPrinterColumns').filter(isJsonObject);
  if (given.length === 0) return undefined;
  const paths = given.map((column) => parseJsonPath(getString(column, 'jsonPath') ?? ''));
  const types = given.map((column) => columnType(getString(column, 'type') ?? ''));
  return {
    columns: [
      NAME_COLUMN,
      ...given.map((column, index) => ({
        name: getString(column, 'name') ?? '',
        type: types[index] ?? ('string' as const),
        format: getString(column, 'format') ?? '',
        description:
          getString(column, 'description') ??
          `Custom resource definition column (in JSONPath format): ${getString(column, 'jsonPath') ?? ''}`,
        priority: typeof column.priority === 'number' ? column.priority : 0,
      })),
    ],
    cells: (object, now) => [
      getString(object, 'metadata', 'name') ?? '',
      ...given.map((_column, index) => {
        const path = paths[index];
        return path === undefined
          ? null
          : cellOf(followJsonPath(object, path), types[index] ?? 'string', now);
      }),
    ],
  };
}
