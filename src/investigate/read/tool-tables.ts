import type { JsonObject } from '../../kernel/index.ts';
import type { AnswerFact, BuildFact, DigestFact, EngineFact, WorldObject } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Facts, Reading } from '../facts.ts';
import { askedObjects, kindOf, namespaceOf, parseCommand } from './command.ts';
import type { Command } from './command.ts';
import { engineFact } from './engines.ts';
import { artifactSource, fields, partialObject, shown } from './objects.ts';
import { isHeader, readTable } from './table.ts';
import type { Table, TableRow } from './table.ts';

interface Context {
  readonly block: Block;
  readonly command: Command | undefined;
}

type RowReader = (row: TableRow, context: Context) => Facts;

function answer(
  asked: string,
  text: string,
  ok: boolean | undefined,
  context: Context,
  line: number,
): AnswerFact {
  return { asked, answer: text, ok, source: artifactSource(context.block.artifact, line) };
}

function rowText(row: TableRow): string {
  return Object.values(row.cells)
    .filter((cell) => cell !== '')
    .join(' ');
}

const FLUX_KINDS: Readonly<Record<string, string>> = {
  kustomizations: 'Kustomization',
  kustomization: 'Kustomization',
  ks: 'Kustomization',
  helmreleases: 'HelmRelease',
  helmrelease: 'HelmRelease',
  hr: 'HelmRelease',
  git: 'GitRepository',
  helm: 'HelmRepository',
  oci: 'OCIRepository',
  bucket: 'Bucket',
  chart: 'HelmChart',
  policy: 'ImagePolicy',
  repository: 'ImageRepository',
  update: 'ImageUpdateAutomation',
};

function flux(row: TableRow, { block, command }: Context): Facts {
  const { cells } = row;
  const [prefix, bare] = (cells['NAME'] ?? '').includes('/')
    ? (cells['NAME'] ?? '').split('/')
    : [undefined, cells['NAME']];
  const asked = command?.words.flatMap((word) => FLUX_KINDS[word] ?? []).at(-1);
  const kind = prefix === undefined ? (asked ?? 'Kustomization') : (kindOf(prefix) ?? prefix);
  // Rows that lost their columns: the two truth values stand side by side, whatever is empty in front of them.
  const found = /(?<suspended>True|False)\s+(?<ready>True|False|Unknown)\s+(?<message>.*)$/.exec(
    rowText(row),
  )?.groups;
  const ready = found?.['ready'] ?? shown(cells['READY']);
  const message = found?.['message'] ?? shown(cells['MESSAGE']) ?? '';
  const suspended = (found?.['suspended'] ?? cells['SUSPENDED']) === 'True';
  const revision =
    /[@:/]/.test(cells['REVISION'] ?? '') || /^v?\d/.test(cells['REVISION'] ?? '')
      ? cells['REVISION']
      : undefined;
  const namespace = shown(cells['NAMESPACE']) ?? (command === undefined ? undefined : namespaceOf(command));
  const name = bare ?? '';
  const value: JsonObject = fields(
    [['status', 'conditions'], ready === undefined ? undefined : [{ type: 'Ready', status: ready, message }]],
    [['spec', 'suspend'], suspended ? true : undefined],
    [
      ['status', 'lastAppliedRevision'],
      kind === 'Kustomization' || kind === 'HelmRelease' ? revision : undefined,
    ],
    [['status', 'latestImage'], shown(cells['LATEST IMAGE'])],
  );
  return {
    live: [partialObject({ artifact: block.artifact, line: row.line, kind, namespace, name, value })],
    engines: [
      engineFact({
        engine: 'Flux',
        application: namespace === undefined ? name : `${namespace}/${name}`,
        kind,
        sync: ready === 'True' ? 'Ready' : ready === 'False' ? 'NotReady' : ready,
        revision,
        messages: message === '' ? [] : [message],
        suspended: suspended ? true : undefined,
        source: artifactSource(block.artifact, row.line),
      }),
    ],
  };
}

function argocdApp(row: TableRow, { block }: Context): Facts {
  const { cells } = row;
  const conditions = shown(cells['CONDITIONS']);
  return {
    engines: [
      engineFact({
        engine: 'Argo CD',
        application: (cells['NAME'] ?? '').replace(/^.*\//, ''),
        kind: 'Application',
        sync: shown(cells['STATUS']),
        health: shown(cells['HEALTH']),
        repository: shown(cells['REPO']),
        path: shown(cells['PATH']),
        targetRevision: shown(cells['TARGET']),
        destination: shown(cells['NAMESPACE']),
        messages: conditions === undefined ? [] : [conditions],
        source: artifactSource(block.artifact, row.line),
      }),
    ],
  };
}

function helmRelease(row: TableRow, context: Context): Facts {
  const { cells } = row;
  const { block, command } = context;
  const release = cells['NAME'] ?? command?.words.at(-1) ?? '';
  const status =
    /\b(?:deployed|failed|superseded|uninstalled|uninstalling|pending-(?:install|upgrade|rollback)|unknown)\b/.exec(
      rowText(row),
    )?.[0];
  const description = shown(cells['DESCRIPTION']);
  const fact: EngineFact = engineFact({
    engine: 'Helm',
    application: release,
    kind: 'Release',
    sync: status,
    revision: shown(cells['REVISION']),
    targetRevision: shown(cells['CHART']),
    destination: shown(cells['NAMESPACE']) ?? (command === undefined ? undefined : namespaceOf(command)),
    messages: description === undefined ? [] : [description],
    time: shown(cells['UPDATED']),
    source: artifactSource(block.artifact, row.line),
  });
  // Superseded revisions are history: only the others say something of the release as it is.
  return status === 'superseded'
    ? { answers: [answer(`helm history ${release}`, rowText(row), undefined, context, row.line)] }
    : { engines: [fact] };
}

const BUILD_STATES: Readonly<Record<string, BuildFact['state']>> = {
  SUCCESS: 'succeeded',
  FAILURE: 'failed',
  INTERNAL_ERROR: 'failed',
  TIMEOUT: 'failed',
  EXPIRED: 'failed',
  CANCELLED: 'cancelled',
  QUEUED: 'running',
  WORKING: 'running',
  PENDING: 'waiting-for-approval',
};

function cloudBuild(row: TableRow, { block }: Context): Facts {
  const { cells } = row;
  const state =
    /\b(?:SUCCESS|FAILURE|INTERNAL_ERROR|TIMEOUT|EXPIRED|CANCELLED|QUEUED|WORKING|PENDING)\b/.exec(
      rowText(row),
    )?.[0];
  const image = shown(cells['IMAGES'])?.replace(/ .*$/, '');
  return {
    builds: [
      {
        image: image === '-' ? undefined : image,
        digest: undefined,
        commit: /@([0-9a-f]{7,40})/.exec(cells['SOURCE'] ?? '')?.[1],
        version: undefined,
        ref: shown(cells['SOURCE']),
        time: shown(cells['CREATE_TIME']),
        state: state === undefined ? undefined : BUILD_STATES[state],
        system: 'Cloud Build',
        source: artifactSource(block.artifact, row.line),
      },
    ],
  };
}

function dockerImage(row: TableRow, { block }: Context): Facts {
  const { cells } = row;
  const digest = shown(cells['DIGEST']) ?? shown(cells['IMAGE ID']);
  const tag = shown(cells['TAG']);
  const fact: DigestFact = {
    reference: `${cells['REPOSITORY'] ?? cells['IMAGE'] ?? ''}${tag === undefined ? '' : `:${tag}`}`,
    // An image ID is the digest of the config, another thing than what a registry answers.
    digest: cells['DIGEST'] === undefined ? undefined : digest,
    platforms: [],
    answer: cells['DIGEST'] === undefined ? `image ID ${digest ?? ''}` : 'OK',
    source: artifactSource(block.artifact, row.line),
  };
  return { digests: [fact] };
}

function revisionRow(row: TableRow, context: Context): Facts {
  const { block, command } = context;
  const objects = command === undefined ? undefined : askedObjects(command);
  const cause = shown(row.cells['CHANGE-CAUSE']);
  const revision = row.cells['REVISION'] ?? '';
  const name = objects?.names[0];
  const kind = objects?.kinds[0] ?? 'Deployment';
  const value = fields(
    [['metadata', 'annotations', 'deployment.kubernetes.io/revision'], revision],
    [['metadata', 'annotations', 'kubernetes.io/change-cause'], cause],
  );
  return {
    answers: [
      answer(
        block.command ?? 'kubectl rollout history',
        `revision ${revision}: ${cause ?? '<none>'}`,
        true,
        context,
        row.line,
      ),
    ],
    ...(name === undefined || command === undefined
      ? {}
      : {
          live: [
            partialObject({
              artifact: block.artifact,
              line: row.line,
              kind,
              namespace: namespaceOf(command),
              name,
              value,
            }),
          ],
        }),
  };
}

function topRow(row: TableRow, context: Context): Facts {
  const asked = context.command === undefined ? 'kubectl top' : context.command.words.slice(0, 2).join(' ');
  return {
    answers: [answer(asked, rowText(row), undefined, context, row.line)],
  };
}

function historyRow(row: TableRow, context: Context): Facts {
  return {
    answers: [answer(context.block.command ?? 'argocd app history', rowText(row), true, context, row.line)],
  };
}

/** `gh run list`: the newest run first, a sign for how it ended. */
function ghRun(row: TableRow, { block }: Context): Facts {
  const sign = (row.cells['STATUS'] ?? '').trim();
  const state: BuildFact['state'] = /^(?:X|✗|failure|failed)/.test(sign)
    ? 'failed'
    : /^(?:✓|success|completed)/.test(sign)
      ? 'succeeded'
      : /^(?:\*|-|in_progress|queued)/.test(sign)
        ? 'running'
        : undefined;
  return {
    builds: [
      {
        image: undefined,
        digest: undefined,
        commit: undefined,
        version: undefined,
        ref: shown(row.cells['BRANCH']),
        time: undefined,
        state,
        system: 'CI',
        source: artifactSource(block.artifact, row.line),
      },
    ],
  };
}

/** Tables of tools, told by their columns. The first one that fits reads them. */
const TABLES: readonly (readonly [columns: readonly string[], read: RowReader])[] = [
  [['NAME', 'SUSPENDED', 'READY', 'MESSAGE'], flux],
  [['NAME', 'LATEST IMAGE', 'READY'], flux],
  [['NAME', 'CLUSTER', 'PROJECT', 'STATUS', 'HEALTH'], argocdApp],
  [['STATUS', 'CHART', 'APP VERSION'], helmRelease],
  [['ID', 'CREATE_TIME', 'STATUS'], cloudBuild],
  [['STATUS', 'WORKFLOW', 'BRANCH'], ghRun],
  [['REPOSITORY', 'TAG'], dockerImage],
  [['IMAGE', 'TAG', 'IMAGE ID'], dockerImage],
  [['REVISION', 'CHANGE-CAUSE'], revisionRow],
  [['NAME', 'CPU(cores)'], topRow],
  [['POD', 'CPU(cores)'], topRow],
  [['ID', 'DATE', 'REVISION'], historyRow],
];

function readerOf(table: Table): RowReader | undefined {
  return TABLES.find(([columns]) => columns.every((column) => table.columns.includes(column)))?.[1];
}

function joined(all: readonly Facts[]): Facts {
  const live: WorldObject[] = [];
  const engines: EngineFact[] = [];
  const builds: BuildFact[] = [];
  const digests: DigestFact[] = [];
  const answers: AnswerFact[] = [];
  for (const each of all) {
    live.push(...(each.live ?? []));
    engines.push(...(each.engines ?? []));
    builds.push(...(each.builds ?? []));
    digests.push(...(each.digests ?? []));
    answers.push(...(each.answers ?? []));
  }
  return { live, engines, builds, digests, answers };
}

/** Tables of argocd, flux, helm, gcloud, docker, `kubectl top` and `kubectl rollout history`. */
export function readToolTables(block: Block): Reading | undefined {
  const context = { block, command: block.command === undefined ? undefined : parseCommand(block.command) };
  const facts: Facts[] = [];
  const rest: TextLine[] = [];
  for (let at = 0; at < block.lines.length;) {
    const line = block.lines[at];
    const table =
      line !== undefined && isHeader(line.text) ? readTable(block.lines.slice(at, at + 3_000)) : undefined;
    const read = table === undefined ? undefined : readerOf(table);
    if (table === undefined || read === undefined) {
      if (line !== undefined && line.text.trim() !== '') rest.push(line);
      at += 1;
      continue;
    }
    // Of a history only the last revision is the state; the ones before it are how it came about.
    const isHistory = read === helmRelease && !table.columns.includes('NAME');
    for (const [index, row] of table.rows.entries())
      facts.push(
        isHistory && index < table.rows.length - 1
          ? { answers: [answer('helm history', rowText(row), undefined, context, row.line)] }
          : read(row, context),
      );
    at += 1 + table.rows.length;
  }
  return facts.length === 0 ? undefined : { facts: joined(facts), rest };
}
