import type { World } from '../verdict/index.ts';
import { blocksOf } from './block.ts';
import type { Artifact, Block, TextLine } from './block.ts';
import type { Facts, Reading } from './facts.ts';
import { readArgocd } from './read/engines.ts';
import { readJsonpath } from './read/jsonpath.ts';
import { readKubectlTables } from './read/kubectl-table.ts';
import { buildIn, digestIn, engineIn } from './read/lines.ts';
import { readLogs } from './read/logs.ts';
import { readManifests } from './read/manifests.ts';
import { readPrometheus } from './read/prometheus.ts';

/** A line that nobody understood. */
export interface Unread {
  readonly artifact: string;
  readonly line: number;
  readonly text: string;
}

export interface ReadArtifacts {
  readonly world: World;
  readonly unread: readonly Unread[];
}

type Reader = (block: Block) => Reading | undefined;

/** What is certain of its format first: a reader that takes a block leaves to the others what it did not understand. */
const READERS: readonly Reader[] = [
  readArgocd,
  readJsonpath,
  readKubectlTables,
  readPrometheus,
  readManifests,
  readLogs,
];

interface Gathered {
  readonly facts: Facts[];
  readonly unread: Unread[];
}

/** Each reader sees what the ones before it left. */
function readBlock(block: Block, gathered: Gathered): void {
  let left: readonly TextLine[] = block.lines;
  for (const reader of READERS) {
    if (left.length === 0) break;
    const reading = reader({ ...block, lines: left });
    if (reading === undefined) continue;
    gathered.facts.push(reading.facts);
    left = reading.rest;
  }
  for (const { text, line } of left) {
    if (text.trim() !== '') gathered.unread.push({ artifact: block.artifact, line, text });
  }
}

/** Everything that artifacts tell, as one world; and the lines that told nothing. */
export function worldOf(artifacts: readonly Artifact[]): ReadArtifacts {
  const gathered: Gathered = { facts: [], unread: [] };
  for (const artifact of artifacts) for (const block of blocksOf(artifact)) readBlock(block, gathered);
  const { facts, unread } = gathered;
  const logs = facts.flatMap((each) => each.logs ?? []);
  return {
    world: {
      live: facts.flatMap(({ live = [] }) => live),
      desired: facts.flatMap(({ desired = [] }) => desired),
      files: facts.flatMap(({ files = [] }) => files),
      events: facts.flatMap(({ events = [] }) => events),
      logs,
      samples: facts.flatMap(({ samples = [] }) => samples),
      builds: [...facts.flatMap(({ builds = [] }) => builds), ...logs.flatMap((log) => buildIn(log) ?? [])],
      commits: facts.flatMap(({ commits = [] }) => commits),
      digests: [
        ...facts.flatMap(({ digests = [] }) => digests),
        ...logs.flatMap((log) => digestIn(log) ?? []),
      ],
      engines: [
        ...facts.flatMap(({ engines = [] }) => engines),
        ...logs.flatMap((log) => engineIn(log) ?? []),
      ],
      answers: facts.flatMap(({ answers = [] }) => answers),
      unreadable: [],
      at: undefined,
    },
    unread,
  };
}
