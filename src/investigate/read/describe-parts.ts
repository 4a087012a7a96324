import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { Described } from './described.ts';
import { childOf, told } from './described.ts';
import { count, fields, pairsOf } from './objects.ts';

/** Labels, selectors and the like: the value and the lines below it. */
export function pairsIn(at: Described | undefined): JsonObject | undefined {
  if (at === undefined) return undefined;
  const lines = [at.value, ...at.items.map(({ text }) => text)].filter((text) => text !== '');
  const all: JsonObject = {};
  for (const text of lines) Object.assign(all, pairsOf(text) ?? {});
  for (const child of at.children) all[child.key] = child.value;
  return Object.keys(all).length === 0 ? undefined : all;
}

export function number(text: string | undefined): number | undefined {
  return count(/^\d+/.exec(text ?? '')?.[0]);
}

export function metadata(root: Described): JsonObject {
  return fields(
    [['metadata', 'labels'], pairsIn(childOf(root, 'Labels'))],
    [['metadata', 'annotations'], pairsIn(childOf(root, 'Annotations'))],
    [['metadata', 'creationTimestamp'], isoTime(told(root, 'CreationTimestamp'))],
    [['metadata', 'ownerReferences'], owner(told(root, 'Controlled By'))],
    [
      ['metadata', 'deletionTimestamp'],
      told(root, 'Termination Grace Period') === undefined ? undefined : terminating(root),
    ],
  );
}

function terminating(root: Described): string | undefined {
  const status = told(root, 'Status');
  return status?.startsWith('Terminating') === true ? status : undefined;
}

export function isoTime(text: string | undefined): string | undefined {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? undefined : new Date(at).toISOString().replace('.000Z', 'Z');
}

function owner(text: string | undefined): JsonValue[] | undefined {
  const [kind, name] = text?.split('/') ?? [];
  return kind === undefined || name === undefined ? undefined : [{ kind, name, controller: true }];
}

export function quantities(at: Described | undefined): JsonObject | undefined {
  return at === undefined || at.children.length === 0
    ? undefined
    : Object.fromEntries(at.children.map((child) => [child.key, child.value]));
}

export function conditions(at: Described | undefined): JsonValue[] | undefined {
  if (at === undefined) return undefined;
  const rows = at.items.map(({ text }) => text).filter((text) => !/^(?:Type\s+Status|-{3,})/.test(text));
  const found = rows.flatMap((text): JsonObject[] => {
    const parts = /^(?<type>[A-Za-z][\w./-]*)\s+(?<status>True|False|Unknown)(?:\s+(?<rest>.*))?$/.exec(
      text,
    )?.groups;
    if (parts === undefined) return [];
    // Nodes show two times in front of reason and message.
    const rest = (parts['rest'] ?? '').replaceAll(/\w{3}, \d{2} \w{3} \d{4} [\d:]+ [+-]\d{4}\s*/g, '').trim();
    const [reason = '', ...words] = rest.split(/\s+/);
    return [
      fields(
        [['type'], parts['type'] ?? ''],
        [['status'], parts['status'] ?? ''],
        [['reason'], reason === '' ? undefined : reason],
        [['message'], words.length === 0 ? undefined : words.join(' ')],
      ),
    ];
  });
  return found.length === 0 ? undefined : found;
}
