import { getNumber, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { EngineFact } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { parseCommand } from './command.ts';
import { artifactSource } from './objects.ts';

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

/** `argocd app get NAME` as text: `Key:   value` lines, then a table of resources. */
function argocdText(block: Block, application: string): Reading | undefined {
  const values = new Map<string, { readonly value: string; readonly line: number }>();
  const rest: TextLine[] = [];
  let table = false;
  for (const { text, line } of block.lines) {
    const pair = /^\s{0,2}(?<key>[A-Z][\w /-]+):\s+(?<value>\S.*)$/.exec(text)?.groups;
    if (/^\s*(?:GROUP|CONDITION)\s+/.test(text)) table = true;
    if (pair !== undefined && !table) values.set(pair['key'] ?? '', { value: pair['value'] ?? '', line });
    else if (text.trim() !== '') rest.push({ text, line });
  }
  const name = values.get('Name')?.value.replace(/^.*\//, '') ?? application;
  if (!values.has('Sync Status') && !values.has('Health Status')) return undefined;
  const sync = syncedTo(values.get('Sync Status')?.value ?? '');
  const policy = values.get('Sync Policy')?.value ?? '';
  const fact: EngineFact = {
    ...NOTHING,
    engine: 'Argo CD',
    application: name,
    kind: 'Application',
    sync: sync.sync,
    revision: sync.revision,
    health: values.get('Health Status')?.value,
    targetRevision: values.get('Target')?.value,
    repository: values.get('Repo')?.value,
    path: values.get('Path')?.value,
    destination: values.get('Namespace')?.value,
    messages: ['Message', 'Health Message'].flatMap((key) => values.get(key)?.value ?? []),
    suspended: /^(?:Manual|<none>|none)$/i.test(policy) ? true : undefined,
    source: artifactSource(block.artifact, values.get('Sync Status')?.line ?? block.line),
  };
  return { facts: { engines: [fact] }, rest };
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
  const results = getNumber(status, 'operationState', 'retryCount');
  return {
    ...NOTHING,
    engine: 'Argo CD',
    application: getString(value, 'metadata', 'name') ?? application,
    kind: 'Application',
    sync,
    health,
    revision: getString(status, 'sync', 'revision') ?? getString(value, 'revision'),
    messages: [getString(status, 'operationState', 'message') ?? ''].filter((text) => text !== ''),
    operation:
      results === undefined
        ? undefined
        : {
            phase: getString(status, 'operationState', 'phase') ?? '',
            updated: undefined,
            unchanged: undefined,
          },
    source: artifactSource(block.artifact, block.lines[0]?.line ?? block.line),
  };
}

/** `argocd app get` in any of its outputs. Tables of `argocd app list` and `flux get` are read with the other tables. */
export function readArgocd(block: Block): Reading | undefined {
  if (block.command === undefined) return undefined;
  const command = parseCommand(block.command);
  const isGet = command.program === 'argocd' && command.words[0] === 'app' && command.words[1] === 'get';
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
