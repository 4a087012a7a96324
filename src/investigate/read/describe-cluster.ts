import type { JsonObject } from '../../kernel/index.ts';
import { conditions, metadata, quantities } from './describe-parts.ts';
import type { Described } from './described.ts';
import { childOf, told } from './described.ts';
import { fields } from './objects.ts';

export function quotaValue(root: Described): JsonObject {
  const used: JsonObject = {};
  const hard: JsonObject = {};
  for (const { text } of root.children.flatMap((child) => child.items).concat(root.items)) {
    const [name, first, second] = text.split(/\s+/);
    if (name === undefined || first === undefined || second === undefined || !/^\d/.test(first)) continue;
    used[name] = first;
    hard[name] = second;
  }
  return { status: { hard, used }, spec: { hard } };
}

export function nodeValue(root: Described): JsonObject {
  const taints = [
    told(root, 'Taints') ?? '',
    ...(childOf(root, 'Taints')?.items ?? []).map(({ text }) => text),
  ].filter((text) => text !== '');
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'unschedulable'], told(root, 'Unschedulable') === 'true' ? true : undefined],
      [
        ['spec', 'taints'],
        taints.length === 0
          ? undefined
          : taints.map((text) => {
              const found = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(text);
              return { key: found?.[1] ?? text, value: found?.[2] ?? '', effect: found?.[3] ?? '' };
            }),
      ],
      [['status', 'allocatable'], quantities(childOf(root, 'Allocatable'))],
      [['status', 'conditions'], conditions(childOf(root, 'Conditions'))],
    ),
  };
}

export function claimValue(root: Described): JsonObject {
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'storageClassName'], told(root, 'StorageClass')],
      [['spec', 'volumeName'], told(root, 'Volume')],
      [['status', 'phase'], told(root, 'Status')],
    ),
  };
}
