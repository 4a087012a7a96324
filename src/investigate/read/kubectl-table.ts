import type { EventFact, WorldObject } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { askedObjects, kindOf, namespaceOf, outputOf, parseCommand } from './command.ts';
import { ageMs, artifactSource, count, pairsOf, partialObject, shown } from './objects.ts';
import { ratio } from './pod-status.ts';
import type { Cells } from './pod-status.ts';
import { isHeader, readTable } from './table.ts';
import type { Table, TableRow } from './table.ts';
import { customValue, VALUES } from './table-values.ts';

/** What a table shows is told by its columns where no command says it. First match counts. */
const SIGNATURES: readonly (readonly [kind: string, columns: readonly string[]])[] = [
  ['Event', ['REASON', 'OBJECT', 'MESSAGE']],
  ['Application', ['SYNC STATUS', 'HEALTH STATUS']],
  ['Deployment', ['READY', 'UP-TO-DATE', 'AVAILABLE']],
  ['DaemonSet', ['DESIRED', 'CURRENT', 'READY', 'UP-TO-DATE', 'AVAILABLE']],
  ['Rollout', ['DESIRED', 'CURRENT', 'UP-TO-DATE', 'AVAILABLE']],
  ['ReplicaSet', ['DESIRED', 'CURRENT', 'READY']],
  ['Pod', ['READY', 'STATUS', 'RESTARTS']],
  ['Service', ['CLUSTER-IP', 'EXTERNAL-IP']],
  ['EndpointSlice', ['ADDRESSTYPE', 'ENDPOINTS']],
  ['Endpoints', ['ENDPOINTS']],
  ['HorizontalPodAutoscaler', ['REFERENCE', 'TARGETS']],
  ['PodDisruptionBudget', ['MIN AVAILABLE', 'ALLOWED DISRUPTIONS']],
  ['Ingress', ['CLASS', 'HOSTS', 'ADDRESS']],
  ['PersistentVolumeClaim', ['STATUS', 'VOLUME', 'CAPACITY']],
  ['CronJob', ['SCHEDULE', 'SUSPEND']],
  ['Job', ['COMPLETIONS', 'DURATION']],
  ['Node', ['STATUS', 'ROLES', 'VERSION']],
  ['ResourceQuota', ['REQUEST', 'LIMIT']],
  ['Secret', ['TYPE', 'DATA']],
  ['ConfigMap', ['NAME', 'DATA']],
  ['SealedSecret', ['STATUS', 'SYNCED']],
  ['ExternalSecret', ['STORE', 'REFRESH INTERVAL']],
  ['Certificate', ['READY', 'SECRET', 'AGE']],
  ['Gateway', ['CLASS', 'ADDRESS', 'PROGRAMMED']],
  ['HTTPRoute', ['NAME', 'HOSTNAMES', 'AGE']],
  ['NetworkPolicy', ['NAME', 'POD-SELECTOR']],
  ['IngressClass', ['NAME', 'CONTROLLER', 'PARAMETERS']],
  ['StorageClass', ['PROVISIONER', 'RECLAIMPOLICY']],
];

/** Columns that others have besides: a table of exactly these is of that kind. */
const EXACTLY: Readonly<Record<string, string>> = {
  'NAME STATUS AGE': 'Namespace',
  'NAME READY AGE': 'StatefulSet',
  'NAMESPACE NAME READY AGE': 'StatefulSet',
  'NAME SECRETS AGE': 'ServiceAccount',
};

function kindOfTable(table: Table, asked: readonly string[]): string | undefined {
  const bySignature =
    SIGNATURES.find(([, columns]) => columns.every((column) => table.columns.includes(column)))?.[0] ??
    EXACTLY[table.columns.join(' ')];
  // StatefulSets look like nothing else has READY and AGE alone; what was asked for knows better.
  const ends =
    table.columns.includes('AGE') ||
    table.columns.includes('MESSAGE') ||
    table.columns.includes('READY') ||
    table.columns.includes('CREATED AT');
  if (asked.length === 1 && bySignature !== 'Event' && (ends || bySignature !== undefined)) return asked[0];
  return bySignature;
}

const COUNTED = new Set(['Pod', 'Deployment', 'StatefulSet']);

/** A line that only happens to stand below a header shows no counts where these are, and no age. */
function plausible(kind: string, cells: Cells): boolean {
  const ready = cells['READY'] ?? '';
  const age = cells['AGE'] ?? '';
  return (
    (!COUNTED.has(kind) || ready === '' || ratio(ready) !== undefined) &&
    (age === '' || ageMs(age) !== undefined || /^<|^\d{4}-/.test(age))
  );
}

/** A row of a table as the object that it shows; undefined where the row cannot be one of that kind. */
export function rowObject({
  artifact,
  line,
  kind,
  namespace,
  cells,
}: {
  readonly artifact: string;
  readonly line: number;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly cells: Cells;
}): WorldObject | undefined {
  const full = cells['NAME'] ?? '';
  const [prefix, rest] = full.includes('/') ? full.split('/') : [undefined, full];
  const own = prefix === undefined ? kind : (kindOf(prefix) ?? kind);
  if (!plausible(own, cells)) return undefined;
  if (rest === undefined || !/^[a-z0-9][a-z0-9.:_-]*(?:\.{3}|…)?$/.test(rest)) return undefined;
  const value = (VALUES[own] ?? customValue)(cells);
  const labels = own === 'Pod' ? undefined : pairsOf(cells['LABELS']);
  return partialObject({
    artifact,
    line,
    kind: own,
    namespace: shown(cells['NAMESPACE']) ?? namespace,
    name: rest,
    ageMs: ageMs(cells['AGE']),
    value: labels === undefined ? value : { ...value, metadata: { labels } },
  });
}

function eventOf(block: Block, row: TableRow, namespace: string | undefined): EventFact {
  const { cells } = row;
  const seen = cells['LAST SEEN'] ?? cells['AGE'];
  const [kind = '', name = ''] = (cells['OBJECT'] ?? '').split('/');
  const where = shown(cells['NAMESPACE']) ?? namespace;
  const type = cells['TYPE'] === 'Warning' || cells['TYPE'] === 'Normal' ? cells['TYPE'] : undefined;
  return {
    type,
    reason: cells['REASON'] ?? '',
    message: cells['MESSAGE'] ?? '',
    object: `${kindOf(kind) ?? kind}/${where === undefined ? '' : `${where}/`}${name}`,
    count: count(cells['COUNT']) ?? count(/x(\d+) over/.exec(seen ?? '')?.[1]),
    lastSeen: undefined,
    ageMs: ageMs(/^\S+/.exec(seen ?? '')?.[0]),
    source: artifactSource(block.artifact, row.line),
  };
}

/** Every table of kubectl in a block, and what is left of it. */
export function readKubectlTables(block: Block): Reading | undefined {
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  if (command !== undefined && !/^(?:kubectl|oc|k)$/.test(command.program)) return undefined;
  if (command !== undefined && /^(?:rollout|top|describe|argo)$/.test(command.words[0] ?? ''))
    return undefined;
  if (command !== undefined && /^(?:json|yaml|jsonpath|name|go-template)/.test(outputOf(command)))
    return undefined;
  const namespace = command === undefined ? undefined : namespaceOf(command);
  const asked = command === undefined ? [] : askedObjects(command).kinds;
  const live: WorldObject[] = [];
  const events: EventFact[] = [];
  const rest: TextLine[] = [];
  let found = false;
  for (let at = 0; at < block.lines.length;) {
    const line = block.lines[at];
    const table = line !== undefined && isHeader(line.text) ? readTable(block.lines.slice(at)) : undefined;
    const named = table?.columns.includes('NAME') === true || table?.columns.includes('OBJECT') === true;
    const kind = table === undefined || !named ? undefined : kindOfTable(table, asked);
    if (table === undefined || kind === undefined) {
      if (line !== undefined && line.text.trim() !== '') rest.push(line);
      at += 1;
      continue;
    }
    found = true;
    for (const row of table.rows) {
      if (kind === 'Event') events.push(eventOf(block, row, namespace));
      else {
        const object = rowObject({
          artifact: block.artifact,
          line: row.line,
          kind,
          namespace,
          cells: row.cells,
        });
        if (object !== undefined) live.push(object);
        else rest.push({ text: Object.values(row.cells).join(' ').trim(), line: row.line });
      }
    }
    at = block.lines.length - table.rest.length;
  }
  return found ? { facts: { live, events }, rest } : undefined;
}
