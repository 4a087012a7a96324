import type { JsonObject } from '../kernel/index.ts';
import { redact } from '../ledger/index.ts';
import type { Build, BuildState } from '../ledger/index.ts';
import { escaped, short } from './news.ts';
import type { Message } from './tell.ts';

/** What is told of one build. */
export interface BuildNews {
  readonly build: Build;
  /** The last lines of the step that failed. */
  readonly lastLines: readonly string[];
}

const MARKS: Readonly<Record<BuildState, string>> = {
  PENDING: '…',
  QUEUED: '…',
  WORKING: '…',
  SUCCESS: '✓',
  FAILURE: '✗',
  CANCELLED: '✗',
  TIMEOUT: '✗',
  SUPERSEDED: '–',
  REJECTED: '✗',
  EXPIRED: '✗',
};

function commandsOf({ id, state }: Build): readonly string[] {
  if (state === 'PENDING')
    return [`landfall builds approve ${id} --comment '…'`, `landfall builds reject ${id} --comment '…'`];
  return state === 'FAILURE' || state === 'TIMEOUT'
    ? [`landfall builds logs ${id}`]
    : [`landfall builds show ${id}`];
}

/** A build as every channel is told of it; the same state is the same message, however often it is sent. */
export function buildMessage({ build, lastLines }: BuildNews): Message {
  const { id, trigger, state, message, commit, ref, people, image, url } = build;
  const who = people === undefined ? '' : ` by ${people.author.name}: ${people.subject}`;
  const chat = [
    `${MARKS[state]} *build ${escaped(trigger)}: ${state}*`,
    escaped(short(message)),
    escaped(short(`commit ${commit.slice(0, 12)} of ${ref}${who}`)),
    ...(lastLines.length === 0 ? [] : [`\`\`\`${escaped(short(lastLines.join('\n')))}\`\`\``]),
    ...build.notes.map((note) => `• ${escaped(short(note))}`),
    ...(url === undefined ? [] : [escaped(url)]),
    ...commandsOf(build).map((command) => `\`${escaped(command)}\``),
  ].join('\n');
  return {
    id: `msg_build_${id}_${build.attempt}_${state}_${build.definitionDigest.slice(-8)}`,
    subject: { cluster: build.declaredIn, namespace: '', application: trigger },
    delivery: undefined,
    environment: undefined,
    about: `build ${trigger}`,
    outcome: `${state}: ${message}`,
    chat,
    body: (messageId): JsonObject =>
      redact({
        apiVersion: 'landfall.dev/v1',
        kind: 'BuildNotice',
        id: messageId,
        at: build.finishedAt ?? build.startedAt ?? build.createdAt,
        build: id,
        declaredIn: build.declaredIn,
        trigger,
        repository: build.repository,
        ref,
        commit,
        image,
        state,
        ok: state === 'SUCCESS',
        reason: message,
        notes: [...build.notes],
        lastLines: [...lastLines],
        record: build.record ?? null,
        url: url ?? null,
        commands: [...commandsOf(build)],
      }),
  };
}
