import type { ClaimSource } from '../../../boundaries/index.ts';
import { getString } from '../../../kernel/index.ts';
import type { World } from '../../world/index.ts';
import type { Thing } from './thing.ts';

/** A sentence in which somebody says that a step of the delivery failed. */
export interface Complaint {
  readonly text: string;
  /** Who says it: an application of an engine, an object, or the command that failed. */
  readonly by: string;
  readonly namespace: string | undefined;
  /** `condition` is the state of now; a failed `command` was so when it ran; an `event` or `log` line is history. */
  readonly from: 'engine' | 'condition' | 'command' | 'event' | 'log';
  readonly source: ClaimSource;
}

/** Kinds whose conditions tell of the delivery itself. */
const DELIVERY_KINDS = new Set([
  'Application',
  'ApplicationSet',
  'Kustomization',
  'HelmRelease',
  'HelmRepository',
  'HelmChart',
  'GitRepository',
  'OCIRepository',
  'Bucket',
  'ImageRepository',
  'ImagePolicy',
  'ImageUpdateAutomation',
  'ExternalSecret',
  'SealedSecret',
  'SecretStore',
  'ClusterSecretStore',
]);

const ERROR_ANSWER =
  /^(?:error(?: from server)?\b|fatal:|Error:|The \w+ "[^"]*" is invalid|Warning: .*unknown field)|\bforbidden:|denied the request|strict decoding error|no matches for kind|is invalid:/im;

function conditionComplaints(thing: Thing): Complaint[] {
  const found: Complaint[] = [];
  for (const [index, item] of thing.list('status', 'conditions').entries()) {
    const type = getString(item, 'type') ?? '';
    const status = getString(item, 'status');
    const text = [getString(item, 'reason'), getString(item, 'message')].filter(Boolean).join(': ');
    const bad = thing.kind === 'Application' ? /Error|Warning/.test(type) : status === 'False';
    if (bad && text !== '')
      found.push({
        text: thing.kind === 'Application' ? `${type}: ${text}` : text,
        by: thing.id,
        namespace:
          thing.text('spec', 'destination', 'namespace') ??
          thing.text('spec', 'targetNamespace') ??
          thing.namespace,
        from: 'condition',
        source: thing.cite('status', 'conditions', index),
      });
  }
  const phase = thing.text('status', 'operationState', 'phase');
  if (thing.kind === 'Application' && phase !== undefined && phase !== 'Succeeded') {
    const namespace = thing.text('spec', 'destination', 'namespace');
    const message = thing.text('status', 'operationState', 'message');
    if (message !== undefined)
      found.push({
        text: message,
        by: thing.id,
        namespace,
        from: 'condition',
        source: thing.cite('status', 'operationState', 'message'),
      });
    for (const [index, item] of thing.list('status', 'operationState', 'syncResult', 'resources').entries()) {
      const text = getString(item, 'message');
      const failed = getString(item, 'status') === 'SyncFailed' || getString(item, 'hookPhase') === 'Failed';
      if (failed && text !== undefined)
        found.push({
          text,
          by: `${getString(item, 'kind') ?? ''}/${getString(item, 'name') ?? ''}`,
          namespace: getString(item, 'namespace') ?? namespace,
          from: 'condition',
          source: thing.cite('status', 'operationState', 'syncResult', 'resources', index, 'message'),
        });
    }
  }
  return found;
}

/** What complains of the delivery, and is not contradicted by a later state of the same engine. */
export function complaintsOf(world: World, live: readonly Thing[]): readonly Complaint[] {
  const found: Complaint[] = live.filter(({ kind }) => DELIVERY_KINDS.has(kind)).flatMap(conditionComplaints);
  const settled = new Set(
    world.engines.flatMap((engine) =>
      engine.sync === 'Synced' && (engine.operation === undefined || engine.operation.phase === 'Succeeded')
        ? [engine.application]
        : [],
    ),
  );
  for (const engine of world.engines) {
    const phase = engine.operation?.phase;
    const failed =
      /^(?:Failed|Error|Running|False)$/i.test(phase ?? '') ||
      (engine.sync !== undefined && engine.sync !== 'Synced') ||
      (engine.sync === undefined && phase !== 'Succeeded');
    if (!failed && !engine.messages.some((text) => /error|failed/i.test(text))) continue;
    for (const text of engine.messages)
      found.push({
        text,
        by: engine.application,
        namespace: engine.destination,
        from: 'engine',
        source: engine.source,
      });
  }
  for (const { asked, answer, ok, source } of world.answers) {
    if (ok === true || (ok === undefined && !ERROR_ANSWER.test(answer))) continue;
    for (const text of answer.split('\n').slice(0, 200))
      if (text.trim() !== '')
        found.push({ text: text.trim(), by: asked, namespace: undefined, from: 'command', source });
  }
  for (const event of world.events) {
    const kind = event.object.split('/')[0] ?? '';
    if (event.type === 'Normal' || !DELIVERY_KINDS.has(kind)) continue;
    found.push({
      text: event.message,
      by: event.object,
      namespace: undefined,
      from: 'event',
      source: event.source,
    });
  }
  for (const line of world.logs) {
    const level =
      line.level ?? (/\b(?:error|failed|denied|forbidden)\b/i.test(line.message) ? 'error' : undefined);
    if (level !== 'error' && level !== 'fatal') continue;
    const about = line.fields['application'] ?? line.fields['app'] ?? line.fields['name'];
    if (about !== undefined && settled.has(about.split('/').at(-1) ?? '')) continue;
    found.push({
      text: [line.message, line.fields['error'] ?? line.fields['err']].filter(Boolean).join(': '),
      by: line.component ?? 'log',
      namespace: line.fields['namespace'],
      from: 'log',
      source: line.source,
    });
  }
  return found;
}
