import type { YamlNode } from '../kernel/index.ts';
import type { Resource } from './resource.ts';

/** The one thing a validator may leave behind. Source: KustTarget.removeValidatedByLabel. */
const validatedBy = 'validated-by';

/** Whether a validator left an object as it was. A value that is set anew counts as changed, whatever it is. */
export function isUntouched(before: Resource | undefined, resource: Resource): boolean {
  const after = resource.clone();
  const labels = new Map(after.metaEntries('labels'));
  if (labels.delete(validatedBy)) after.setTextMap('labels', labels);
  return before !== undefined && isSame(before.node, after.node);
}

/** The same value that comes from the same place, as far as it comes from one. Keys come from where values do. */
function isSame(a: YamlNode, b: YamlNode, isKey = false): boolean {
  return (
    a.kind === b.kind &&
    a.value === b.value &&
    a.style === b.style &&
    (a.tag === b.tag || a.tag === '' || b.tag === '') &&
    (isKey || isSamePlace(a, b)) &&
    a.content.length === b.content.length &&
    a.content.every((child, index) => {
      const other = b.content[index];
      return other !== undefined && isSame(child, other, a.kind === 'map' && index % 2 === 0);
    })
  );
}

function isSamePlace(a: YamlNode, b: YamlNode): boolean {
  const [aIsRead, bIsRead] = [isRead(a), isRead(b)];
  return aIsRead === bIsRead && (!aIsRead || (a.source === b.source && a.offset === b.offset));
}

/** Whether a node is as its file says, and was not made by a step. */
function isRead(node: YamlNode): boolean {
  return node.by === undefined && node.offset >= 0;
}
