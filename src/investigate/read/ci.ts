import { getArray, getString, isJsonObject, parseYaml, LandfallError, textOf } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { AnswerFact, BuildFact, DigestFact, LogLine } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { readAnswers } from './answers.ts';
import { parseCommand } from './command.ts';
import { artifactSource } from './objects.ts';

const NO_BUILD: Omit<BuildFact, 'source'> = {
  image: undefined,
  digest: undefined,
  commit: undefined,
  version: undefined,
  ref: undefined,
  time: undefined,
  state: undefined,
  system: undefined,
};

const CI =
  /##\[(?:error|group|endgroup|warning|command|section)\]|^::(?:error|warning|group)|Process completed with exit code|^#\d+ (?:\[|\d|DONE|ERROR|CACHED|pushing|exporting)|^ => |Cleaning up project directory|Job (?:failed|succeeded)|^Step #?\d+(?:\/\d+)?|^ERROR: (?:failed to solve|Job failed|process|build step)|The push refers to repository|: digest: sha256:|Successfully (?:built|tagged)|^Finished: (?:SUCCESS|FAILURE|ABORTED|UNSTABLE)|^\+ (?:docker|kubectl|helm|npm|make|go|git) /;

const STAMP = /^(?:\S+\t\S[^\t]*\t)?(?<time>\d{4}-\d{2}-\d{2}T[\d:.]+Z)\s(?<rest>.*)$/;
const DIGEST = /sha256:[0-9a-f]{64}/;

function words(text: string): { readonly time: string | undefined; readonly message: string } {
  const found = STAMP.exec(text)?.groups;
  return { time: found?.['time'], message: (found?.['rest'] ?? text).replace(/^\uFEFF/, '') };
}

/** Logs of GitHub Actions, GitLab, Jenkins, Cloud Build, docker and buildx: what was pushed, what failed, how it ended. */
export function readCiLog(block: Block): Reading | undefined {
  const lines = block.lines.filter(({ text }) => text.trim() !== '');
  if (lines.length === 0 || !lines.some(({ text }) => CI.test(words(text).message))) return undefined;
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  // What these print is their own; what is left behind the output of a look may be pasted from anywhere.
  const looks = /^(?:get|describe|top)$/.test(command?.words[0] ?? '');
  if (command !== undefined && !looks && /^(?:kubectl|oc|argocd|flux|helm)$/.test(command.program))
    return undefined;
  const logs: LogLine[] = [];
  const builds: BuildFact[] = [];
  const digests: DigestFact[] = [];
  const answers: AnswerFact[] = [];
  let repository: string | undefined;
  let commit: string | undefined;
  let failed: { readonly line: TextLine; readonly time: string | undefined } | undefined;
  let succeeded = false;
  for (const line of lines) {
    const { time, message } = words(line.text);
    const source = artifactSource(block.artifact, line.line);
    repository =
      /The push refers to repository \[(?<name>[^\]]+)\]/.exec(message)?.groups?.['name'] ?? repository;
    commit =
      /(?:GITHUB_SHA|CI_COMMIT_SHA|COMMIT_SHA|Checking out|HEAD is now at|GIT_COMMIT)[=: ]+([0-9a-f]{7,40})\b/.exec(
        message,
      )?.[1] ?? commit;
    const pushed =
      /^(?:[\w#. ]*\s)?(?<tag>[\w][\w.-]*): digest: (?<digest>sha256:[0-9a-f]{64}) size: \d+/.exec(
        message,
      )?.groups;
    if (pushed !== undefined && repository !== undefined)
      builds.push({
        ...NO_BUILD,
        image: `${repository}:${pushed['tag'] ?? ''}`,
        digest: pushed['digest'],
        commit,
        time,
        state: 'succeeded',
        system: 'CI',
        source,
      });
    const manifest = /pushing manifest for (?<image>\S+?)@(?<digest>sha256:[0-9a-f]{64})/.exec(
      message,
    )?.groups;
    if (manifest !== undefined)
      builds.push({
        ...NO_BUILD,
        image: manifest['image'],
        digest: manifest['digest'],
        commit,
        time,
        state: 'succeeded',
        system: 'CI',
        source,
      });
    const error =
      /##\[error\](?<text>.*)|^::error[^:]*::(?<text2>.*)|^#\d+ ERROR:? (?<text3>.*)|^(?:ERROR|Error|error|FATAL|fatal)(?:\[\w+\])?: (?<text4>.*)|^npm ERR! (?<text5>.*)|^\s*--- FAIL: (?<text6>.*)/.exec(
        message,
      )?.groups;
    const text = error === undefined ? undefined : Object.values(error).find((each) => each !== undefined);
    const exit =
      /(?:exit(?:ed)?(?: with)?(?: code| status)?|returned a non-zero code|code)[: ]+(?<code>\d+)\.?$/.exec(
        message,
      )?.groups?.['code'];
    if (
      text !== undefined ||
      (exit !== undefined && exit !== '0') ||
      /^(?:ERROR: )?Job failed|^Finished: FAILURE/.test(message)
    ) {
      failed ??= { line, time };
      answers.push({
        asked: block.command ?? block.title,
        answer: message.replace('##[error]', '').slice(0, 2_000),
        ok: false,
        source,
      });
    }
    if (/^Job succeeded|^Finished: SUCCESS/.test(message)) succeeded = true;
    logs.push({
      component: 'ci',
      time,
      level: text !== undefined ? 'error' : /##\[warning\]|^WARN/i.test(message) ? 'warn' : undefined,
      message: message.replace(/^##\[\w+\]/, ''),
      fields: {},
      previous: false,
      source,
    });
  }
  if (failed !== undefined && !succeeded)
    builds.push({
      ...NO_BUILD,
      commit,
      time: failed.time,
      state: 'failed',
      system: 'CI',
      source: artifactSource(block.artifact, failed.line.line),
    });
  // A job that applies prints what kubectl and helm print.
  const told = readAnswers({
    ...block,
    lines: lines.map(({ text, line }) => ({ text: words(text).message, line })),
  })?.facts;
  const known = new Set((told?.answers ?? []).map(({ source }) => JSON.stringify(source)));
  return {
    facts: {
      logs,
      builds,
      digests,
      answers: [
        ...(told?.answers ?? []).slice(0, 500),
        ...answers.filter(({ source }) => !known.has(JSON.stringify(source))).slice(0, 100),
      ],
      live: told?.live ?? [],
    },
    rest: [],
  };
}

function buildState(text: string | undefined): BuildFact['state'] {
  if (text === undefined) return undefined;
  if (/^(?:SUCCESS|success|succeeded|completed)$/i.test(text)) return 'succeeded';
  if (/^(?:FAILURE|failure|failed|TIMEOUT|INTERNAL_ERROR|EXPIRED)$/i.test(text)) return 'failed';
  if (/^cancel/i.test(text)) return 'cancelled';
  if (/^(?:PENDING|waiting|action_required)$/i.test(text)) return 'waiting-for-approval';
  return /^(?:WORKING|QUEUED|in_progress|queued|running)$/i.test(text) ? 'running' : undefined;
}

/** `gcloud builds describe` and `list --format=yaml|json`, and what `gh run view --json` prints. */
export function readBuildObjects(block: Block): Reading | undefined {
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  const text = block.lines.map((line) => line.text).join('\n');
  const isGcloud = command?.program === 'gcloud' && command.words[0] === 'builds';
  if (!isGcloud && !/^\s*(?:"?(?:buildTriggerId|logUrl|headSha)"?\s*:)/m.test(text)) return undefined;
  let value: JsonValue;
  try {
    value = parseYaml(text, block.artifact, { maxReread: 0 });
  } catch (thrown) {
    if (thrown instanceof LandfallError) return undefined;
    throw thrown;
  }
  const all = Array.isArray(value) ? value.flat() : [value];
  const builds = all.flatMap((each): BuildFact[] => {
    if (!isJsonObject(each)) return [];
    const state = buildState(getString(each, 'conclusion') ?? getString(each, 'status'));
    if (state === undefined) return [];
    const [image] = getArray(each, 'results', 'images');
    const failure = getString(each, 'failureInfo', 'detail') ?? getString(each, 'statusDetail');
    return [
      {
        image: getString(image, 'name') ?? (textOf(getArray(each, 'images')[0]) || undefined),
        digest: DIGEST.exec(getString(image, 'digest') ?? '')?.[0],
        commit:
          getString(each, 'substitutions', 'COMMIT_SHA') ??
          getString(each, 'headSha') ??
          getString(each, 'sourceProvenance', 'resolvedRepoSource', 'commitSha'),
        version: getString(each, 'substitutions', 'TAG_NAME'),
        ref: getString(each, 'substitutions', 'BRANCH_NAME') ?? getString(each, 'headBranch') ?? failure,
        time: getString(each, 'finishTime') ?? getString(each, 'updatedAt') ?? getString(each, 'createTime'),
        state,
        system: isGcloud ? 'Cloud Build' : 'CI',
        source: artifactSource(block.artifact, block.lines[0]?.line ?? block.line),
      },
    ];
  });
  return builds.length === 0 ? undefined : { facts: { builds }, rest: [] };
}
