import type { EventFact, WorldObject } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { askedObjects, kindOf, namespaceOf, parseCommand } from './command.ts';
import { ageMs, artifactSource, count, partialObject } from './objects.ts';

const AGE = String.raw`(?:\d+[smhdy])+|<(?:unknown|invalid)>|\d{4}-\d{2}-\d{2}\S*`;
const OVER = String.raw`(?:\s+\(x(?<count>\d+) over [^)]*\))?`;
const ROW = String.raw`(?<type>Normal|Warning)\s+(?<reason>[A-Z]\w+)`;
const OBJECT = String.raw`(?<kind>[A-Za-z][\w.-]*)\/(?<name>[a-z0-9][\w.:-]*)`;

/** Rows of events as describe, `get events` and `kubectl events` print them, with or without a header above. */
const ROWS: readonly RegExp[] = [
  new RegExp(
    String.raw`^\s*${ROW}\s+(?<age>${AGE})${OVER}\s+(?<from>[a-zA-Z][\w./-]*(?:, \S+)?)\s+(?<message>\S.*)$`,
  ),
  new RegExp(
    String.raw`^\s*(?:(?<namespace>[a-z0-9][a-z0-9-]*)\s+)?(?<age>${AGE})${OVER}\s+${ROW}\s+${OBJECT}\s+(?<message>\S.*)$`,
  ),
  new RegExp(String.raw`^\s*${ROW}\s+${OBJECT}\s+(?<message>\S.*)$`),
  new RegExp(String.raw`^\s*(?<type>Normal|Warning)\s{2,}(?<reason>[A-Z]\w+)\s{2,}(?<message>\S.*)$`),
  // Describe of before Kubernetes 1.10: two ages, a count, who, which part, then the row.
  new RegExp(
    String.raw`^\s*(?<first>${AGE})\s+(?<age>${AGE})\s+(?<count>\d+)\s+(?<from>\S+(?:, \S+)?)\s+(?:spec\.\S+\s+)?${ROW}\s+(?<message>\S.*)$`,
  ),
];

/** Sentences of kubelet, the scheduler and the controllers that are pasted alone, and the reason of their event. */
const SENTENCES: readonly (readonly [reason: string, pattern: RegExp])[] = [
  ['Failed', /^Failed to pull image "/],
  ['Failed', /^Error: (?:ErrImagePull|ImagePullBackOff|ErrImageNeverPull|InvalidImageName)$/],
  ['BackOff', /^Back-off (?:pulling image|restarting failed container)/],
  ['FailedScheduling', /^\d+\/\d+ nodes are available: /],
  ['FailedMount', /^(?:MountVolume\.\w+ failed for volume|Unable to attach or mount volumes: )/],
  ['FailedAttachVolume', /^(?:Multi-Attach error for volume|AttachVolume\.\w+ failed for volume)/],
  ['FailedCreatePodSandBox', /^Failed to create pod sandbox: /],
  ['Unhealthy', /^(?:Readiness|Liveness|Startup) probe (?:failed|errored)/],
  ['Killing', /^Container \S+ failed (?:liveness|startup) probe, will be restarted/],
  ['FailedCreate', /^(?:\(combined from similar events\): )?Error creating: pods? "/],
];

/** What describe, `get events` or `kubectl events` was asked about, for rows that name nothing. */
function subjectAsked(block: Block): string {
  if (block.command === undefined) return '';
  const command = parseCommand(block.command);
  const { kinds, names } = askedObjects(command);
  const [kind] = kinds;
  const [name] = names;
  const space = namespaceOf(command);
  return command.words[0] === 'describe' && kind !== undefined && name !== undefined
    ? `${kind}/${space === undefined ? '' : `${space}/`}${name}`
    : '';
}

/** One line as an event; `subject` is what it is about where the line does not say. */
export function eventIn({ text, line }: TextLine, artifact: string, subject: string): EventFact | undefined {
  for (const pattern of ROWS) {
    const found = pattern.exec(text)?.groups;
    if (found === undefined) continue;
    const kind = found['kind'];
    const where = found['namespace'];
    return {
      type: found['type'] === 'Warning' ? 'Warning' : 'Normal',
      reason: found['reason'] ?? '',
      message: found['message'] ?? '',
      object:
        kind === undefined
          ? subject
          : `${kindOf(kind) ?? kind}/${where === undefined ? '' : `${where}/`}${found['name'] ?? ''}`,
      count: count(found['count']),
      lastSeen: undefined,
      ageMs: ageMs(found['age']),
      source: artifactSource(artifact, line),
    };
  }
  return undefined;
}

/** `Pod web/bff-1 (bff) is in waiting state (reason: "CrashLoopBackOff").`, as Prometheus' rules for Kubernetes tell it. */
const ALERT =
  /\bPod (?<space>[a-z0-9-]+)\/(?<name>[a-z0-9][\w.-]*) \((?<container>[\w-]+)\) is in waiting state \(reason: "(?<reason>\w+)"\)/;

/** A sentence of kubelet or a controller alone in its line, maybe quoted or behind a bullet. */
function sentenceIn({ text, line }: TextLine, artifact: string, subject: string): EventFact | undefined {
  const said = text.trim().replaceAll(/^(?:[-*>]\s+)?["'`]?|["'`]$/g, '');
  const reason = SENTENCES.find(([, pattern]) => pattern.test(said))?.[0];
  return reason === undefined
    ? undefined
    : {
        type: 'Warning',
        reason,
        message: said,
        object: subject,
        count: undefined,
        lastSeen: undefined,
        ageMs: undefined,
        source: artifactSource(artifact, line),
      };
}

const HEADER = /^\s*(?:Events:|Type\s+Reason\s+|-{4}\s+-{4,}|(?:FirstSeen|LAST SEEN|LASTSEEN)\s)/;

function waitingPod(alert: Readonly<Record<string, string>>, artifact: string, line: number): WorldObject {
  return partialObject({
    artifact,
    line,
    kind: 'Pod',
    namespace: alert['space'],
    name: alert['name'] ?? '',
    value: {
      status: {
        containerStatuses: [
          {
            name: alert['container'] ?? '',
            ready: false,
            restartCount: 0,
            state: { waiting: { reason: alert['reason'] ?? '' } },
          },
        ],
      },
    },
  });
}

/**
 * Events that stand in no table of their own: the end of a description, rows behind `grep`, single sentences. One that
 * names no object has an empty one; who it is about is told from what stands around it.
 */
export function readEvents(block: Block): Reading | undefined {
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  if (command !== undefined && (command.words.includes('logs') || command.program === 'git'))
    return undefined;
  const subject = subjectAsked(block);
  const live: WorldObject[] = [];
  const events: EventFact[] = [];
  const rest: TextLine[] = [];
  const headers: TextLine[] = [];
  for (const line of block.lines) {
    const event = eventIn(line, block.artifact, subject) ?? sentenceIn(line, block.artifact, subject);
    const alert = event === undefined ? ALERT.exec(line.text)?.groups : undefined;
    if (alert !== undefined) live.push(waitingPod(alert, block.artifact, line.line));
    else if (event !== undefined) events.push(event);
    else if (HEADER.test(line.text)) headers.push(line);
    else rest.push(line);
  }
  return events.length + live.length === 0 ? undefined : { facts: { events, live }, rest };
}
