import { getArray, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { EngineFact } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { parseCommand } from './command.ts';
import { artifactSource } from './objects.ts';

type Known = Pick<EngineFact, 'engine' | 'application' | 'source'> & Partial<EngineFact>;

const NOTHING: Omit<EngineFact, 'engine' | 'application' | 'source'> = {
  kind: undefined,
  sync: undefined,
  health: undefined,
  revision: undefined,
  targetRevision: undefined,
  repository: undefined,
  path: undefined,
  destination: undefined,
  messages: [],
  operation: undefined,
  suspended: undefined,
  time: undefined,
};

/** What an engine says, with everything that it does not say left out. */
export function engineFact(known: Known): EngineFact {
  return { ...NOTHING, ...known };
}

/** `Synced to HEAD (a4f8c2d)`, `OutOfSync from main (4f2e1d0)`. */
function syncedTo(text: string): {
  readonly sync: string | undefined;
  readonly revision: string | undefined;
} {
  const found = /^(?<sync>\w+)(?: (?:to|from) \S+ \((?<revision>[0-9a-f]{6,40}|[\w.-]+)\))?/.exec(
    text.trim(),
  )?.groups;
  return { sync: found?.['sync'], revision: found?.['revision'] };
}

/** Words of a resource's row behind its names: what it is, and what Argo CD says of it. */
const RESOURCE =
  /^\s*(?:(?<group>[a-z][\w.-]*)\s+)?(?<kind>[A-Z]\w+)\s+(?:(?<namespace>[a-z0-9][\w.-]*)\s+)?(?<name>[a-z0-9][\w.:-]*)\s+(?<status>Synced|OutOfSync|Unknown|Succeeded|Failed|Running|Pruned)(?:\s+(?<health>Healthy|Degraded|Progressing|Missing|Suspended|Unknown))?(?:\s+(?<message>\S.*))?$/;

/** `argocd app get NAME` as text: `Key:   value` lines, then tables of conditions and resources. */
function argocdText(block: Block, application: string): Reading | undefined {
  const values = new Map<string, { readonly value: string; readonly line: number }>();
  const rest: TextLine[] = [];
  const messages: string[] = [];
  let table = '';
  let updated = 0;
  let unchanged = 0;
  for (const { text, line } of block.lines) {
    if (text.trim() === '') continue;
    const header = /^\s*(?<first>GROUP|CONDITION)\s+[A-Z]/.exec(text)?.groups?.['first'];
    if (header !== undefined) {
      table = header;
      continue;
    }
    const pair = /^\s{0,4}(?<key>[A-Z][\w /-]+):\s+(?<value>\S.*)$/.exec(text)?.groups;
    if (table === '' && pair !== undefined) {
      values.set(pair['key'] ?? '', { value: pair['value'] ?? '', line });
      continue;
    }
    const row = table === 'GROUP' ? RESOURCE.exec(text)?.groups : undefined;
    if (row !== undefined) {
      if (/ (?:configured|created|pruned)\b/.test(row['message'] ?? '')) updated += 1;
      else if (/ unchanged\b/.test(row['message'] ?? '')) unchanged += 1;
      const bad =
        /OutOfSync|Unknown|Failed/.test(row['status'] ?? '') ||
        /Degraded|Missing|Progressing/.test(row['health'] ?? '');
      if (bad)
        messages.push(
          `${row['kind'] ?? ''}/${row['name'] ?? ''}: ${[row['status'], row['health'], row['message']].filter((each) => each !== undefined).join(', ')}`,
        );
      continue;
    }
    const condition =
      table === 'CONDITION' ? /^(?<type>[A-Z]\w+)\s+(?<message>\S.*)$/.exec(text)?.groups : undefined;
    if (condition !== undefined && !/^-+$/.test(condition['type'] ?? ''))
      messages.push(
        `${condition['type'] ?? ''}: ${(condition['message'] ?? '').replace(/\s{2,}\d{4}-\d\d-\d\d.*$/, '')}`,
      );
    else if (!/^\s*[-=]+/.test(text)) rest.push({ text, line });
  }
  const name = values.get('Name')?.value.replace(/^.*\//, '') ?? application;
  if (!values.has('Sync Status') && !values.has('Health Status')) return undefined;
  const sync = syncedTo(values.get('Sync Status')?.value ?? '');
  const policy = values.get('Sync Policy')?.value ?? '';
  const phase = values.get('Phase')?.value;
  return {
    facts: {
      engines: [
        engineFact({
          engine: 'Argo CD',
          application: name,
          kind: 'Application',
          sync: sync.sync,
          revision: sync.revision ?? values.get('Sync Revision')?.value,
          health: /^\w+/.exec(values.get('Health Status')?.value ?? '')?.[0],
          targetRevision: values.get('Target')?.value,
          repository: values.get('Repo')?.value,
          path: values.get('Path')?.value,
          destination: values.get('Namespace')?.value,
          messages: [
            ...['Message', 'Health Message'].flatMap((key) => values.get(key)?.value ?? []),
            ...(/Denied/.test(values.get('SyncWindow')?.value ?? '') && sync.sync !== 'Synced'
              ? ['blocked by a sync window: Sync Denied']
              : []),
            ...messages,
          ],
          operation:
            phase === undefined && updated + unchanged === 0
              ? undefined
              : { phase: phase ?? 'Succeeded', updated, unchanged },
          suspended: /^(?:Manual|<none>|none)$/i.test(policy) ? true : undefined,
          source: artifactSource(block.artifact, values.get('Sync Status')?.line ?? block.line),
        }),
      ],
    },
    rest,
  };
}

/** What `jq` made of an Application: `{"sync": "Synced", "health": "Healthy", "revision": "a4f8c2d1"}`. */
function fromJson(block: Block, value: JsonValue, application: string): EngineFact | undefined {
  if (!isJsonObject(value)) return undefined;
  const status = isJsonObject(value['status']) ? value['status'] : value;
  const sync =
    getString(status, 'sync', 'status') ?? getString(value, 'sync') ?? getString(value, 'syncStatus');
  const health =
    getString(status, 'health', 'status') ?? getString(value, 'health') ?? getString(value, 'healthStatus');
  if (sync === undefined && health === undefined) return undefined;
  const phase = getString(status, 'operationState', 'phase') ?? getString(value, 'phase');
  return {
    ...NOTHING,
    engine: 'Argo CD',
    application: getString(value, 'metadata', 'name') ?? application,
    kind: 'Application',
    sync,
    health,
    revision: getString(status, 'sync', 'revision') ?? getString(value, 'revision'),
    messages: [
      getString(status, 'operationState', 'message') ?? getString(value, 'message') ?? '',
      ...getArray(status, 'conditions').map(
        (each) => `${getString(each, 'type') ?? ''}: ${getString(each, 'message') ?? ''}`,
      ),
    ].filter((text) => text !== '' && text !== ': '),
    operation: phase === undefined ? undefined : { phase, updated: undefined, unchanged: undefined },
    source: artifactSource(block.artifact, block.lines[0]?.line ?? block.line),
  };
}

/** The same without its command: both states have to be there. */
function alone(block: Block): Reading | undefined {
  try {
    const value = JSON.parse(block.lines.map(({ text }) => text).join('\n')) as JsonValue;
    // Whole objects are read as such.
    if (isJsonObject(value) && value['kind'] !== undefined) return undefined;
    const fact = fromJson(block, value, 'APP');
    return fact?.sync === undefined || fact.health === undefined
      ? undefined
      : { facts: { engines: [fact] }, rest: [] };
  } catch {
    return undefined;
  }
}

/** `argocd app get` in any of its outputs. Tables of `argocd app list` and `flux get` are read with the other tables. */
export function readArgocd(block: Block): Reading | undefined {
  if (block.command === undefined && /^\s*\{.*\}\s*$/.test(block.lines.map(({ text }) => text).join(' ')))
    return alone(block);
  if (block.command === undefined)
    return block.lines.some(({ text }) => /^Name:\s+\S/.test(text)) &&
      block.lines.some(({ text }) => /^(?:Sync|Health) Status:\s/.test(text))
      ? argocdText(block, '')
      : undefined;
  const command = parseCommand(block.command);
  const isGet =
    command.program === 'argocd' &&
    command.words[0] === 'app' &&
    /^(?:get|sync|wait)$/.test(command.words[1] ?? '');
  const isKube =
    /^(?:kubectl|oc)$/.test(command.program) &&
    command.words[0] === 'get' &&
    /^app(?:lication)?s?(?:\.|$)/.test(command.words[1] ?? '');
  if (!isGet && !isKube) return undefined;
  const application = (command.words[2] ?? '').replace(/^.*\//, '');
  const text = block.lines.map((line) => line.text).join('\n');
  if (/^\s*\{/.test(text) && (command.piped !== '' || isGet)) {
    try {
      const fact = fromJson(block, JSON.parse(text) as JsonValue, application);
      return fact === undefined ? undefined : { facts: { engines: [fact] }, rest: [] };
    } catch {
      return undefined;
    }
  }
  return isGet ? argocdText(block, application) : undefined;
}
