import type { ClaimSource } from '../boundaries/index.ts';
import type { Finding, World } from '../verdict/index.ts';
import type { Section } from './facts.ts';
import { shortened } from './shorten.ts';
import type { FoundTrace } from './trace.ts';
import { WORKLOADS } from './trace.ts';
import type { Trouble } from './trouble/index.ts';

/** What one artifact showed, and how it would have misled somebody who read only it. */
export interface Decoded {
  readonly artifact: string;
  /** The heading or command under which it stands, where a file holds several. */
  readonly section: string;
  readonly revealed: readonly string[];
  readonly misleading: readonly string[];
}

const MOST = 40;

function sectionOf(sections: readonly Section[], source: ClaimSource): Section | undefined {
  if (source.type !== 'artifact') return undefined;
  let found: Section | undefined;
  for (const section of sections)
    if (section.artifact === source.artifact && section.line <= source.line) found = section;
  return found;
}

/** Where a signal that misleads was seen. */
function sourcesOf(world: World, signal: string): readonly ClaimSource[] {
  if (/updated|unchanged/.test(signal))
    return world.engines
      .filter(({ operation }) => operation?.updated !== undefined)
      .map(({ source }) => source);
  if (/Synced|Healthy|deployed|Ready/.test(signal))
    return world.engines
      .filter(({ sync, health }) => sync !== undefined || health !== undefined)
      .map(({ source }) => source);
  if (/ready|replicas/.test(signal))
    return world.live
      .filter(({ kind }) => WORKLOADS.has(kind))
      .map((object) => object.cite(['status', 'readyReplicas']));
  if (/fail/.test(signal)) return world.samples.slice(0, 1).map(({ source }) => source);
  return [];
}

/** The artifacts one by one: what each revealed, what in it misleads. */
export function decode(
  world: World,
  sections: readonly Section[],
  findings: readonly Finding[],
  traces: readonly FoundTrace[],
  troubles: readonly Trouble[],
): readonly Decoded[] {
  const rows = new Map<Section, { revealed: Set<string>; misleading: Set<string> }>();
  const rowOf = (source: ClaimSource) => {
    const section = sectionOf(sections, source);
    if (section === undefined) return undefined;
    const row = rows.get(section) ?? { revealed: new Set<string>(), misleading: new Set<string>() };
    rows.set(section, row);
    return row;
  };
  for (const finding of findings.slice(0, 5))
    for (const claim of finding.claims)
      rowOf(claim.source)?.revealed.add(`${claim.attribute} ${shortened(claim.value)}`);
  for (const trace of traces.filter(({ changedAt }) => changedAt !== undefined))
    for (const { value, source } of trace.values)
      rowOf(source)?.revealed.add(`${trace.attribute} ${shortened(value)}`);
  for (const trouble of troubles.slice(0, 20))
    for (const claim of trouble.claims.slice(0, 1)) rowOf(claim.source)?.revealed.add(trouble.title);
  for (const { operation, source } of world.engines)
    if (operation?.updated === 0)
      rowOf(source)?.revealed.add(
        `the sync updated nothing, ${operation.unchanged ?? 'all'} unchanged: a no-op`,
      );
  for (const { signal, truth } of findings.flatMap(({ misleading }) => misleading))
    for (const source of sourcesOf(world, signal).slice(0, 1))
      rowOf(source)?.misleading.add(`${signal}: ${truth}`);
  if (findings.some(({ id }) => id === 'mutable-reference-moved'))
    for (const file of world.files.filter(({ kind }) => kind === 'kustomization'))
      rowOf(file.source)?.misleading.add('it looks simple and correct; nothing in it has changed');
  return [...rows].slice(0, MOST).map(([{ artifact, title }, { revealed, misleading }]) => ({
    artifact,
    section: title,
    revealed: [...revealed].slice(0, 6),
    misleading: [...misleading].slice(0, 4),
  }));
}
