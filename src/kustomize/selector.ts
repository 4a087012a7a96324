import { effectiveNamespace, gvkSelected } from './ids.ts';
import type { Gvk, ResId } from './ids.ts';
import type { Fields } from './decode.ts';
import { labelSelector } from './label-selector.ts';
import type { LabelMatcher } from './label-selector.ts';
import type { Resource } from './resource.ts';
import { goRegExp } from './go-regexp.ts';

/** Which objects a patch or replacement is for. Source: api/types/selector.go. */
export interface Selector extends Gvk {
  readonly name: string;
  readonly namespace: string;
  readonly annotationSelector: string;
  readonly labelSelector: string;
}

export function readSelector(fields: Fields): Selector {
  return {
    group: fields.text('group'),
    version: fields.text('version'),
    kind: fields.text('kind'),
    name: fields.text('name'),
    namespace: fields.text('namespace'),
    annotationSelector: fields.text('annotationSelector'),
    labelSelector: fields.text('labelSelector'),
  };
}

export function selectorText(selector: Selector): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(selector)) if (value !== '') parts.push(`${key}: ${value}`);
  return parts.length === 0 ? 'everything' : parts.join(', ');
}

type Test = (text: string) => boolean;

/** A pattern that covers the whole text; an empty one covers everything. */
function anchored(pattern: string, where: string): Test | undefined {
  if (pattern === '') return undefined;
  if (/^[A-Za-z0-9_-]+$/.test(pattern)) return (text) => text === pattern;
  const expression = goRegExp(`^(?:${pattern})$`, where);
  return (text) => expression.test(text);
}

/** Patterns match the name an object has now as well as the one it had first. */
export function select(resources: Iterable<Resource>, selector: Selector, where: string): Resource[] {
  const tests = {
    group: anchored(selector.group, where),
    version: anchored(selector.version, where),
    kind: anchored(selector.kind, where),
    name: anchored(selector.name, where),
    namespace: anchored(selector.namespace, where),
  };
  const labels = matcher(selector.labelSelector, where);
  const annotations = matcher(selector.annotationSelector, where);
  const found: Resource[] = [];
  for (const resource of resources) {
    const id = resource.id;
    const original = resource.originalId;
    if (
      tests.namespace !== undefined &&
      !tests.namespace(effectiveNamespace(original)) &&
      !tests.namespace(effectiveNamespace(id))
    ) {
      continue;
    }
    if (tests.name !== undefined && !tests.name(original.name) && !tests.name(id.name)) continue;
    if (tests.group !== undefined && !tests.group(id.group)) continue;
    if (tests.version !== undefined && !tests.version(id.version)) continue;
    if (tests.kind !== undefined && !tests.kind(id.kind)) continue;
    if (labels !== undefined && !labels(resource.textMap('labels'))) continue;
    if (annotations !== undefined && !annotations(resource.textMap('annotations'))) continue;
    found.push(resource);
  }
  return found;
}

function matcher(text: string, where: string): LabelMatcher | undefined {
  return text === '' ? undefined : labelSelector(text, where);
}

/** A plain id as selector: no patterns. Source: ResId.IsSelectedBy. */
export function idSelectedBy(
  id: ResId,
  selector: Gvk & { readonly name: string; readonly namespace: string },
): boolean {
  return (
    (selector.name === '' || selector.name === id.name) &&
    (selector.namespace === '' ||
      effectiveNamespace({ namespace: selector.namespace, clusterScoped: false }) ===
        effectiveNamespace(id)) &&
    gvkSelected(id, selector)
  );
}

/** Labels and annotations as the selector asks for them. */
export function matchesMeta(resource: Resource, selector: Selector, where: string): boolean {
  const labels = matcher(selector.labelSelector, where);
  if (labels !== undefined && !labels(resource.textMap('labels'))) return false;
  const annotations = matcher(selector.annotationSelector, where);
  return annotations === undefined || annotations(resource.textMap('annotations'));
}

/** What a selector looks at. */
export interface Selected {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Whether a selector as patches have it (patterns that cover the whole text, label selectors; what is left out fits
 * everything) is for an object. Throws `invalid-input` for a pattern or selector that is none.
 */
export function isSelected(selector: Partial<Selector>, object: Selected, where: string): boolean {
  for (const field of ['group', 'version', 'kind', 'name', 'namespace'] as const) {
    const test = anchored(selector[field] ?? '', where);
    if (test !== undefined && !test(object[field])) return false;
  }
  const labels = matcher(selector.labelSelector ?? '', where);
  if (labels !== undefined && !labels(new Map(Object.entries(object.labels)))) return false;
  const annotations = matcher(selector.annotationSelector ?? '', where);
  return annotations === undefined || annotations(new Map(Object.entries(object.annotations)));
}
