import type { WorldObject } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { kindOf, namespaceOf, parseCommand } from './command.ts';
import { rowObject } from './kubectl-table.ts';

const AGE = String.raw`(?:\d+[smhdy])+|<(?:unknown|invalid)>`;
const NAME = String.raw`(?:(?<namespace>[a-z0-9][a-z0-9-]*)\s+)?(?:(?<prefix>[a-z][\w.-]*)\/)?(?<name>[a-z0-9][a-z0-9.-]*)`;

/** Rows of pods and workloads whose header `grep`, `--no-headers` or a watch took away. */
const ROWS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  [
    'Pod',
    new RegExp(
      String.raw`^\s*${NAME}\s+(?<READY>\d+\/\d+)\s+(?<STATUS>[A-Z][A-Za-z:/0-9]+)\s+(?<RESTARTS>\d+(?:\s+\(${AGE} ago\))?)\s+(?<AGE>${AGE})(?:\s+(?<IP>[\d.]+|<none>)\s+(?<NODE>\S+).*)?\s*$`,
    ),
  ],
  [
    'Deployment',
    new RegExp(
      String.raw`^\s*${NAME}\s+(?<READY>\d+\/\d+)\s+(?<UPTODATE>\d+)\s+(?<AVAILABLE>\d+)\s+(?<AGE>${AGE})(?:\s+(?<CONTAINERS>\S+)\s+(?<IMAGES>\S+)\s+(?<SELECTOR>\S+))?\s*$`,
    ),
  ],
];

/** Rows without their header, wherever they stand. */
export function readPodRows(block: Block): Reading | undefined {
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  if (command !== undefined && !/^(?:kubectl|oc|k|watch)$/.test(command.program)) return undefined;
  const namespace = command === undefined ? undefined : namespaceOf(command);
  const live: WorldObject[] = [];
  const rest: TextLine[] = [];
  for (const line of block.lines) {
    const object = ROWS.flatMap(([kind, pattern]) => {
      const found = pattern.exec(line.text)?.groups;
      if (found === undefined) return [];
      const own = found['prefix'] === undefined ? kind : (kindOf(found['prefix']) ?? kind);
      const cells = Object.fromEntries(
        Object.entries(found).flatMap(([key, value]: readonly [string, string | undefined]) =>
          value === undefined ? [] : [[key === 'UPTODATE' ? 'UP-TO-DATE' : key, value]],
        ),
      );
      return [
        rowObject({
          artifact: block.artifact,
          line: line.line,
          kind: own,
          namespace: found['namespace'] ?? namespace,
          cells: { ...cells, NAME: found['name'] ?? '' },
        }),
      ];
    })[0];
    if (object === undefined) rest.push(line);
    else live.push(object);
  }
  return live.length === 0 ? undefined : { facts: { live }, rest };
}
