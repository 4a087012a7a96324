import type { World } from '../verdict/index.ts';
import { nameEvents, namePods, podsTold } from './attribute.ts';
import { blocksOf } from './block.ts';
import type { Artifact, Block, TextLine } from './block.ts';
import type { Facts, Reading, Section } from './facts.ts';
import { enginesIn } from './derive.ts';
import { mergeObjects } from './merge.ts';
import { readAnswers } from './read/answers.ts';
import { readArgoRollouts } from './read/argo-rollouts.ts';
import { readBuildObjects, readCiLog } from './read/ci.ts';
import { readDescribe } from './read/describe.ts';
import { readArgocd } from './read/engines.ts';
import { readDiffs } from './read/diffs.ts';
import { readEvents } from './read/events.ts';
import { readGit } from './read/git.ts';
import { readHelmStatus } from './read/helm.ts';
import { readImages } from './read/images.ts';
import { readJsonpath } from './read/jsonpath.ts';
import { readKubectlTables } from './read/kubectl-table.ts';
import { kubeletEvent } from './read/kubelet-log.ts';
import { buildIn, digestIn, engineIn } from './read/lines.ts';
import { readLogs } from './read/logs.ts';
import { readManifests } from './read/manifests.ts';
import { readPodFragment } from './read/pod-fragment.ts';
import { readPodRows } from './read/pod-rows.ts';
import { readPrometheus } from './read/prometheus.ts';
import { readSources } from './read/sources.ts';
import { objectsCounted } from './read/state-metrics.ts';
import { readToolTables } from './read/tool-tables.ts';
import { readVersionJson } from './read/version-json.ts';

/** A line that nobody understood. */
export interface Unread {
  readonly artifact: string;
  readonly line: number;
  readonly text: string;
}

export interface ReadArtifacts {
  readonly world: World;
  readonly unread: readonly Unread[];
  readonly sections: readonly Section[];
}

type Reader = (block: Block) => Reading | undefined;

/** What is certain of its format first: a reader that takes a block leaves to the others what it did not understand. */
const READERS: readonly Reader[] = [
  readArgocd,
  readHelmStatus,
  readArgoRollouts,
  readJsonpath,
  readDescribe,
  readKubectlTables,
  readPodFragment,
  readDiffs,
  readPodRows,
  readEvents,
  readToolTables,
  readImages,
  readBuildObjects,
  readPrometheus,
  readVersionJson,
  readSources,
  readManifests,
  readGit,
  readCiLog,
  readAnswers,
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
  const sections: Section[] = [];
  for (const artifact of artifacts) {
    for (const block of blocksOf(artifact)) {
      const last = sections.at(-1);
      if (last?.artifact !== artifact.name || last.title !== block.title)
        sections.push({ artifact: artifact.name, line: block.line, title: block.title });
      readBlock(block, gathered);
    }
  }
  const { facts, unread } = gathered;
  const logs = facts.flatMap((each) => each.logs ?? []);
  const samples = facts.flatMap((each) => each.samples ?? []);
  const shown = mergeObjects(
    namePods([...facts.flatMap((each) => each.live ?? []), ...objectsCounted(samples)]),
  );
  const events = nameEvents(
    [...facts.flatMap((each) => each.events ?? []), ...logs.flatMap((log) => kubeletEvent(log) ?? [])],
    shown,
  );
  const live = [...shown, ...podsTold(events, shown)];
  return {
    world: {
      live,
      desired: facts.flatMap(({ desired = [] }) => desired),
      files: facts.flatMap(({ files = [] }) => files),
      events,
      logs,
      samples,
      builds: [...facts.flatMap(({ builds = [] }) => builds), ...logs.flatMap((log) => buildIn(log) ?? [])],
      commits: facts.flatMap(({ commits = [] }) => commits),
      digests: [
        ...facts.flatMap(({ digests = [] }) => digests),
        ...logs.flatMap((log) => digestIn(log) ?? []),
      ],
      engines: [
        ...facts.flatMap(({ engines = [] }) => engines),
        ...enginesIn(live),
        ...logs.flatMap((log) => engineIn(log) ?? []),
      ],
      answers: facts.flatMap(({ answers = [] }) => answers),
      unreadable: [],
      at: undefined,
    },
    unread,
    sections,
  };
}
