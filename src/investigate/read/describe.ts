import type { EventFact, WorldObject } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { askedObjects, kindOf, namespaceOf, parseCommand } from './command.ts';
import { genericValue } from './describe-generic.ts';
import { DESCRIBED, inferKind } from './describe-kinds.ts';
import { endpointsOfService } from './describe-network.ts';
import { childOf, told } from './described.ts';
import type { Described } from './described.ts';
import { eventIn } from './events.ts';
import { describedWithIndentation } from './lost-describe.ts';
import { artifactSource, partialObject } from './objects.ts';

const PAIR = /^(?<indent>\s*)(?:[-*]\s+)?(?<key>[A-Za-z(][^:=]{0,70}?):(?:\s+(?<value>.*))?$/;
const ANNOTATION = /^(?<indent>\s+)(?<key>[\w.-]+\/[\w.-]+|[\w.-]+):\s*(?<value>.*)$/;

export function treeOf(lines: readonly TextLine[]): Described {
  const root: Described = {
    key: '',
    value: '',
    line: lines[0]?.line ?? 0,
    indent: -1,
    children: [],
    items: [],
  };
  const stack: Described[] = [root];
  for (const { text, line } of lines) {
    if (text.trim() === '') continue;
    const indent = /^\s*/.exec(text)?.[0].length ?? 0;
    while (stack.length > 1 && (stack.at(-1)?.indent ?? -1) >= indent) stack.pop();
    const parent = stack.at(-1) ?? root;
    const pair = PAIR.exec(text)?.groups ?? ANNOTATION.exec(text)?.groups;
    if (pair === undefined) {
      parent.items.push({ text: text.trim(), line });
      continue;
    }
    const node: Described = {
      key: (pair['key'] ?? '').trim(),
      value: (pair['value'] ?? '').trim(),
      line,
      indent,
      children: [],
      items: [],
    };
    parent.children.push(node);
    stack.push(node);
  }
  return root;
}

const SECOND =
  /^(?:Namespace|Labels|Annotations|Priority|Roles|Selector|Image|Type|API Version|Created|CreationTimestamp|Role|Provisioner|IsDefaultClass|Driver|StorageClass|Resource|Service Account|Containers|Status|Kind|Value|Controller)\s*:/;

/** Where descriptions begin: a `Name:` in front of what describe shows next. */
function startsOf(lines: readonly TextLine[], asked: boolean): readonly number[] {
  return lines.flatMap(({ text }, index) => {
    if (!/^Name:\s+\S/.test(text)) return [];
    const next = lines.slice(index + 1, index + 4).map((line) => line.text.trim());
    return (asked || next.some((line) => SECOND.test(line))) &&
      !next.some((line) => /^(?:Project|Server):/.test(line))
      ? [index]
      : [];
  });
}

interface OneDescription {
  readonly object: WorldObject | undefined;
  /** What the description of a Service shows of its endpoints. */
  readonly endpoints?: WorldObject;
  readonly events: readonly EventFact[];
  readonly rest: readonly TextLine[];
}

function citeBy(root: Described, artifact: string): WorldObject['cite'] {
  const lines = new Map<string, number>();
  const note = (node: Described) => {
    const key = node.key.replaceAll(/[\s()-]/g, '').toLowerCase();
    if (!lines.has(key)) lines.set(key, node.line);
    for (const child of node.children) note(child);
  };
  note(root);
  // Describe shortens paths to words of its own: the last step that it has a line for says most.
  const words: Readonly<Record<string, string>> = {
    readinessProbe: 'readiness',
    livenessProbe: 'liveness',
    startupProbe: 'startup',
    env: 'environment',
    envFrom: 'environmentvariablesfrom',
    restartCount: 'restartcount',
    lastState: 'laststate',
    phase: 'status',
    nodeSelector: 'node-selectors',
    containerStatuses: 'containers',
  };
  return (path) => {
    for (const step of path.toReversed()) {
      const word = typeof step === 'string' ? (words[step] ?? step).toLowerCase() : undefined;
      const line = word === undefined ? undefined : lines.get(word);
      if (line !== undefined) return artifactSource(artifact, line);
    }
    return artifactSource(artifact, root.line);
  };
}

function readOne(block: Block, lines: readonly TextLine[]): OneDescription | undefined {
  const at = lines.findIndex(({ text }) => text.trim().startsWith('Events:'));
  const body = at < 0 ? lines : lines.slice(0, at);
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  const root = treeOf(describedWithIndentation(body) ?? body);
  const name = told(root, 'Name');
  if (name === undefined) return undefined;
  const asked = command === undefined ? undefined : askedObjects(command).kinds[0];
  const kind = (asked === 'Event' ? undefined : asked) ?? told(root, 'Kind') ?? inferKind(root);
  if (kind === undefined) return undefined;
  const spelled = kindOf(kind) ?? kind;
  const namespace = told(root, 'Namespace') ?? (command === undefined ? undefined : namespaceOf(command));
  const custom = childOf(root, 'API Version') !== undefined && childOf(root, 'Kind') !== undefined;
  const value = custom ? genericValue(root) : (DESCRIBED[spelled] ?? genericValue)(root);
  const endpoints = spelled === 'Service' ? childOf(root, 'Endpoints') : undefined;
  const subject = `${spelled}/${namespace === undefined ? '' : `${namespace}/`}${name}`;
  const events: EventFact[] = [];
  const rest: TextLine[] = [];
  for (const line of at < 0 ? [] : lines.slice(at + 1)) {
    const event = eventIn(line, block.artifact, subject);
    if (event !== undefined) events.push(event);
    else if (line.text.trim() !== '' && !/^\s*(?:Type\s+Reason|----|<none>)/.test(line.text)) rest.push(line);
  }
  return {
    object: {
      apiVersion: told(root, 'API Version'),
      kind: spelled,
      namespace,
      name,
      value,
      whole: false,
      cite: citeBy(root, block.artifact),
    },
    ...(endpoints === undefined
      ? {}
      : {
          endpoints: partialObject({
            artifact: block.artifact,
            line: endpoints.line,
            kind: 'Endpoints',
            namespace,
            name,
            value: endpointsOfService(endpoints.value),
          }),
        }),
    events,
    rest,
  };
}

/** `kubectl describe` of any kind, one or several objects, with their events. */
export function readDescribe(block: Block): Reading | undefined {
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  const asked = command?.words[0] === 'describe';
  if (command !== undefined && !/^(?:kubectl|oc|k)$/.test(command.program)) return undefined;
  if (command !== undefined && !asked) return undefined;
  const starts = startsOf(block.lines, asked);
  if (starts.length === 0) return undefined;
  const live: WorldObject[] = [];
  const events: EventFact[] = [];
  const rest: TextLine[] = block.lines.slice(0, starts[0]).filter(({ text }) => text.trim() !== '');
  for (const [index, start] of starts.entries()) {
    const lines = block.lines.slice(start, starts[index + 1]);
    const one = readOne(block, lines);
    if (one?.object === undefined) for (const line of lines) rest.push(line);
    else {
      live.push(one.object);
      if (one.endpoints !== undefined) live.push(one.endpoints);
      events.push(...one.events);
      rest.push(...one.rest);
    }
  }
  return live.length === 0 ? undefined : { facts: { live, events }, rest };
}
