import type { WorldObject } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { namespaceOf, parseCommand } from './command.ts';
import { engineFact } from './engines.ts';
import { artifactSource, count, fields, partialObject } from './objects.ts';

const NODE =
  /^[\s│├└─⟳⧉□◷Σα#|`+-]*(?<name>[a-z0-9][\w.-]*)\s+(?<kind>Rollout|ReplicaSet|Pod|AnalysisRun|Experiment|Job)\s+(?:\S\s+)?(?<status>[A-Z]\w+)\s*(?<age>(?:\d+[smhdy])+)?\s*(?<info>.*)$/u;

const PHASE: Readonly<Record<string, string>> = {
  Running: 'Running',
  Pending: 'Pending',
  Failed: 'Failed',
  Succeeded: 'Succeeded',
};

/** `kubectl argo rollouts get rollout NAME`: its fields, then the tree of revisions, ReplicaSets, pods and analyses. */
export function readArgoRollouts(block: Block): Reading | undefined {
  const text = block.lines.map((line) => line.text).join('\n');
  if (!/^Strategy:\s+(?:Canary|BlueGreen)/m.test(text) && !/⟳ .*\bRollout\b/u.test(text)) return undefined;
  const values = new Map<string, { readonly value: string; readonly line: number }>();
  const live: WorldObject[] = [];
  const images: string[] = [];
  const messages: string[] = [];
  const rest: TextLine[] = [];
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  const namespaceIn = () =>
    values.get('Namespace')?.value ?? (command === undefined ? undefined : namespaceOf(command));
  for (const { text: line, line: at } of block.lines) {
    const pair = /^\s*(?<key>[A-Z][A-Za-z]+):\s*(?<value>.*)$/.exec(line)?.groups;
    const image = /^\s+(?<image>[\w.-]+[\w./:@-]*)\s+\((?<role>[\w, :]+)\)\s*$/.exec(line)?.groups;
    const node = NODE.exec(line)?.groups;
    if (pair !== undefined) {
      values.set(pair['key'] ?? '', { value: (pair['value'] ?? '').trim(), line: at });
      if (pair['key'] === 'Images') images.push((pair['value'] ?? '').trim());
    } else if (image !== undefined) images.push(line.trim());
    else if (node !== undefined) {
      const { name = '', kind = '', status = '', info = '' } = node;
      if (kind === 'Rollout') continue;
      const waiting = /BackOff|Err|Invalid|Creat/.test(status);
      if (/Fail|Error|Degraded|Inconclusive|BackOff|Err/.test(status))
        messages.push(`${kind}/${name}: ${status} ${info}`.trim());
      const ready = /ready:(\d+)\/(\d+)/.exec(info);
      live.push(
        partialObject({
          artifact: block.artifact,
          line: at,
          kind,
          namespace: namespaceIn(),
          name,
          value:
            kind === 'Pod'
              ? fields(
                  [['status', 'phase'], PHASE[status] ?? (waiting ? 'Pending' : undefined)],
                  [
                    ['status', 'containerStatuses'],
                    ready === null
                      ? undefined
                      : [
                          {
                            ready: ready[1] === ready[2],
                            ...(waiting ? { state: { waiting: { reason: status } } } : {}),
                          },
                        ],
                  ],
                )
              : fields([['status', 'phase'], status]),
        }),
      );
    } else if (line.trim() !== '' && !/#\s*revision:|^\s*NAME\s+KIND/.test(line))
      rest.push({ text: line, line: at });
  }
  const name = values.get('Name')?.value ?? command?.words.at(-1);
  if (name === undefined) return undefined;
  const status = values.get('Status')?.value.replace(/^[^A-Za-z]+/, '');
  const message = values.get('Message')?.value;
  const number = (key: string) => count(values.get(key)?.value);
  live.push(
    partialObject({
      artifact: block.artifact,
      line: values.get('Status')?.line ?? block.line,
      kind: 'Rollout',
      namespace: namespaceIn(),
      name,
      value: fields(
        [['spec', 'replicas'], number('Desired')],
        [['status', 'replicas'], number('Current')],
        [['status', 'updatedReplicas'], number('Updated')],
        [['status', 'readyReplicas'], number('Ready')],
        [['status', 'availableReplicas'], number('Available')],
        [['status', 'phase'], status],
        [['status', 'message'], message],
        [['status', 'abort'], message?.startsWith('RolloutAborted') === true ? true : undefined],
        [['status', 'currentStepIndex'], count(values.get('Step')?.value.split('/')[0])],
      ),
    }),
  );
  return {
    facts: {
      live,
      engines: [
        engineFact({
          engine: 'Argo Rollouts',
          application: name,
          kind: 'Rollout',
          health: status,
          destination: namespaceIn(),
          messages: [...(message === undefined ? [] : [message]), ...messages],
          source: artifactSource(block.artifact, values.get('Status')?.line ?? block.line),
        }),
      ],
      answers: images.map((image) => ({
        asked: 'images of the rollout',
        answer: image,
        ok: undefined,
        source: artifactSource(block.artifact, values.get('Images')?.line ?? block.line),
      })),
    },
    rest,
  };
}
