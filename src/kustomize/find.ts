import { getObject, isJsonObject } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { RenderFinding } from './findings.ts';
import type { FieldOrigin } from './provenance.ts';
import type { RenderedObject } from './rendered-object.ts';

/** Findings that need the finished render. */
export function findInObjects(objects: readonly RenderedObject[]): RenderFinding[] {
  return [...servicesWithoutPods(objects), ...linesWithoutEffect(objects)];
}

function label(object: RenderedObject): string {
  return object.namespace === ''
    ? `${object.kind}/${object.name}`
    : `${object.kind}/${object.namespace}/${object.name}`;
}

const templatePaths = [
  ['spec', 'template'],
  ['spec', 'jobTemplate', 'spec', 'template'],
  ['template'],
] as const;

/** Labels of the pods an object makes, of any kind that has a pod template where the known ones have it. */
function podLabels(object: RenderedObject): JsonObject | undefined {
  if (object.kind === 'Pod') return getObject(object.value, 'metadata', 'labels') ?? {};
  for (const path of templatePaths) {
    const template = getObject(object.value, ...path);
    if (template !== undefined && isJsonObject(template['spec'])) {
      return getObject(template, 'metadata', 'labels') ?? {};
    }
  }
  return undefined;
}

/** Services whose selector is on no pod template. Without any template in the render nothing can be said. */
function servicesWithoutPods(objects: readonly RenderedObject[]): RenderFinding[] {
  const pods = objects.flatMap((object) => {
    const labels = podLabels(object);
    return labels === undefined ? [] : [{ namespace: object.namespace, labels, object }];
  });
  if (pods.length === 0) return [];
  const findings: RenderFinding[] = [];
  for (const service of objects) {
    if (service.kind !== 'Service' || service.apiVersion !== 'v1') continue;
    const selector = getObject(service.value, 'spec', 'selector');
    const wanted = Object.entries(selector ?? {});
    if (wanted.length === 0) continue;
    const matches = pods.some(
      (pod) =>
        pod.namespace === service.namespace &&
        wanted.every(([key, value]) => Object.hasOwn(pod.labels, key) && pod.labels[key] === value),
    );
    if (matches) continue;
    const [key = ''] = wanted[0] ?? [];
    const [origin] = service.why(['spec', 'selector', key]);
    findings.push({
      kind: 'selector-without-pods',
      message: `${label(service)} selects ${wanted.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}, and no rendered pod template carries that.`,
      file: origin?.file ?? '',
      line: origin?.line ?? 0,
      object: label(service),
      path: 'spec.selector',
    });
  }
  return findings;
}

const overriding = new Set([
  'patch',
  'images',
  'replicas',
  'replacements',
  'labels',
  'commonAnnotations',
  'namespace',
]);

/**
 * Lines of a kustomization that set something only for another line of the same kustomization to set it again.
 * That an overlay overrides its base is what overlays are for; that it overrides itself is a mistake.
 */
function linesWithoutEffect(objects: readonly RenderedObject[]): RenderFinding[] {
  const effective = new Set<string>();
  const overridden = new Map<string, RenderFinding>();
  for (const object of objects) {
    for (const { path, origins } of object.fields()) {
      const [first, ...older] = origins;
      if (first === undefined) continue;
      effective.add(lineOf(first));
      for (const [index, old] of older.entries()) {
        const by = origins[index];
        if (by === undefined || !isOverridden(old, by)) continue;
        if (overridden.has(lineOf(old))) continue;
        overridden.set(lineOf(old), {
          kind: 'overridden',
          message: `${old.file}:${old.line} sets ${path.join('.')} of ${label(object)} to ${JSON.stringify(old.value)}, and has no effect: ${by.file}:${by.line} sets it to ${JSON.stringify(by.value)}.`,
          file: old.file,
          line: old.line,
          object: label(object),
          path: path.join('.'),
          value: old.value,
        });
      }
    }
  }
  return [...overridden].filter(([line]) => !effective.has(line)).map(([, finding]) => finding);
}

function lineOf(origin: FieldOrigin): string {
  return `${origin.file}:${origin.line}`;
}

function isOverridden(old: FieldOrigin, by: FieldOrigin): boolean {
  return (
    old.by !== undefined &&
    overriding.has(old.by) &&
    by.by !== undefined &&
    overriding.has(by.by) &&
    old.line > 0 &&
    lineOf(old) !== lineOf(by) &&
    folderOf(old.file) === folderOf(by.file) &&
    old.value !== by.value
  );
}

function folderOf(file: string): string {
  return file.slice(0, Math.max(0, file.lastIndexOf('/')));
}
