import { stringifyYaml } from '../kernel/index.ts';
import type { Origin } from './origin-key.ts';

/** An origin as the original writes it into an annotation: fields in their order, scalars as YAML. */
export function stringifyOrigin(origin: Origin): string {
  const lines: string[] = [];
  for (const key of ['path', 'repo', 'ref', 'configuredIn'] as const) {
    const value = origin[key];
    if (value !== undefined && value !== '') lines.push(`${key}: ${stringifyYaml(value)}`);
  }
  const by = origin.configuredBy;
  if (by !== undefined) {
    lines.push('configuredBy:\n');
    for (const key of ['apiVersion', 'kind', 'name', 'namespace'] as const) {
      const value = by[key];
      if (value !== undefined && value !== '') lines.push(`  ${key}: ${stringifyYaml(value)}`);
    }
  }
  return lines.length === 0 ? '{}\n' : lines.join('');
}
