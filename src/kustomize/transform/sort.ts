import { LandfallError } from '../../kernel/index.ts';
import type { Fields } from '../decode.ts';
import {
  compareText,
  defaultOrderFirst,
  defaultOrderLast,
  gvkText,
  kindRanks,
  stableGvkText,
} from '../ids.ts';
import type { ResId } from '../ids.ts';
import type { ResMap } from '../res-map.ts';

export interface SortOptions {
  readonly order: 'legacy' | 'fifo';
  readonly first: readonly string[];
  readonly last: readonly string[];
}

export const legacyOrder: SortOptions = { order: 'legacy', first: defaultOrderFirst, last: defaultOrderLast };

/** Source: plugin/builtin/sortordertransformer. */
export function readSort(fields: Fields | undefined): SortOptions | undefined {
  if (fields === undefined) return undefined;
  const order = fields.text('order');
  const legacy = fields.fields('legacySortOptions');
  const { where } = fields.node;
  if (order !== 'fifo' && order !== 'legacy') {
    throw refuse(where, "the field 'sortOptions.order' must be one of [fifo, legacy]");
  }
  if (order === 'fifo' && legacy !== undefined) {
    throw refuse(
      where,
      "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
    );
  }
  const options: SortOptions =
    legacy === undefined
      ? { ...legacyOrder, order }
      : {
          order,
          first: legacy.texts('orderFirst').map((each) => each.text),
          last: legacy.texts('orderLast').map((each) => each.text),
        };
  legacy?.strict();
  fields.strict();
  return options;
}

function refuse(where: string, problem: string): LandfallError {
  return new LandfallError(`${where}: ${problem}`, {
    kind: 'invalid-input',
    code: 'sort-options',
    object: where,
  });
}

export function sortObjects(map: ResMap, options: SortOptions): void {
  if (options.order === 'fifo') return;
  const ranks = kindRanks(options.first, options.last);
  const keyed = map.list.map((resource) => {
    const { id } = resource;
    return { resource, id, gvk: stableGvkText(id), text: idSortText(id), rank: ranks.get(id.kind) ?? 0 };
  });
  keyed.sort((a, b) => {
    if (a.gvk === b.gvk) return compareText(a.text, b.text);
    if (a.rank !== b.rank) return a.rank - b.rank;
    const byText = compareText(a.gvk, b.gvk);
    const namespaces = a.id.kind === 'Namespace' && b.id.kind === 'Namespace';
    return namespaces && (a.id.group === '' || b.id.group === '') ? -byText : byText;
  });
  map.replaceAll(keyed.map((each) => each.resource));
}

function idSortText(id: ResId): string {
  return `${gvkText(id)}|${id.namespace || '~X'}|${id.name || '~N'}`;
}
