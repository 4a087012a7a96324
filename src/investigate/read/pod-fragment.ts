import { getArray, getIn, isJsonObject } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { Block } from '../block.ts';
import type { Reading } from '../facts.ts';
import { askedObjects, namespaceOf, parseCommand } from './command.ts';
import { treeOf } from './describe.ts';
import { describedWithIndentation } from './lost-describe.ts';
import { DESCRIBED } from './describe-kinds.ts';
import { artifactSource, fields } from './objects.ts';

const STATE = /^\s*(?:State|Last State):\s+(?:Waiting|Running|Terminated)\s*$/;
const PART =
  /^\s*(?:Name|Namespace|Node|Status|IP|Containers|Init Containers|Image|Image ID|Port|State|Last State|Reason|Message|Exit Code|Started|Finished|Ready|Restart Count|Limits|Requests|Environment|Mounts|Command|Args|Liveness|Readiness|Startup|Controlled By|Container ID|Host Port|cpu|memory|Conditions|[\w.-]+):(?:\s|$)/;

/** Stands for a container whose name is not shown, while its lines are read. */
const NAMELESS = ' unnamed:';

function withoutNames(value: JsonObject): JsonObject {
  const bare = (list: JsonValue | undefined): JsonValue[] =>
    getArray(list).map((item) =>
      isJsonObject(item) ? Object.fromEntries(Object.entries(item).filter(([key]) => key !== 'name')) : item,
    );
  return fields(
    [['spec', 'containers'], bare(getIn(value, 'spec', 'containers'))],
    [['status', 'containerStatuses'], bare(getIn(value, 'status', 'containerStatuses'))],
  );
}

/** A part of a pod's description: what `grep`, `tail` or somebody who pastes left of it. */
export function readPodFragment(block: Block): Reading | undefined {
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  if (command !== undefined && !/^(?:kubectl|oc|k)$/.test(command.program)) return undefined;
  const at = block.lines.findIndex(({ text }) => STATE.test(text));
  if (at < 0) return undefined;
  let first = at;
  while (first > 0 && PART.test(block.lines[first - 1]?.text ?? '')) first -= 1;
  let last = at;
  while (last + 1 < block.lines.length && PART.test(block.lines[last + 1]?.text ?? '')) last += 1;
  const lines = block.lines.slice(first, last + 1);
  const asked = command === undefined ? undefined : askedObjects(command);
  const hasList = lines.some(({ text }) => /^\s*(?:Init )?Containers:/.test(text));
  const start = lines[0]?.line ?? block.line;
  const wrapped = hasList
    ? lines
    : [
        { text: 'Containers:', line: start },
        // What is known of one container only, whose name is not shown.
        ...(lines.some(({ text }, index) => index === 0 && /^\s+[a-z0-9][\w-]*:\s*$/.test(text))
          ? []
          : [{ text: NAMELESS, line: start }]),
        ...lines.map((line) => ({ ...line, text: `    ${line.text}` })),
      ];
  const flat = hasList
    ? lines
    : [{ text: 'Containers:', line: start }, { text: NAMELESS.trim(), line: start }, ...lines];
  const described = DESCRIBED['Pod']?.(treeOf(describedWithIndentation(flat) ?? wrapped));
  if (described === undefined) return undefined;
  const value = wrapped.some(({ text }) => text === NAMELESS) ? withoutNames(described) : described;
  return {
    facts: {
      live: [
        {
          apiVersion: undefined,
          kind: 'Pod',
          namespace: command === undefined ? undefined : namespaceOf(command),
          name: asked?.kinds[0] === 'Pod' ? (asked.names[0] ?? '') : '',
          value,
          whole: false,
          cite: () => artifactSource(block.artifact, block.lines[at]?.line ?? start),
        },
      ],
    },
    rest: [...block.lines.slice(0, first), ...block.lines.slice(last + 1)],
  };
}
