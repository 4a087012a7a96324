import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import {
  getArray,
  getIn,
  getNumber,
  getString,
  LandfallError,
  messageOf,
  parseJson,
  parseYaml,
} from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { EXIT } from '../exit.ts';
import { stateFolder } from '../folders.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import type { OutputOptions } from '../options.ts';
import { formatAnswer } from '../output/format.ts';
import type { FaultRequest } from './fault-options.ts';
import { isRunning, requireRecord } from './record.ts';
import type { ClusterRecord } from './record.ts';

export interface FailOptions extends OutputOptions {
  readonly name: string;
}

const PATH = '/drydock/faults';
const MAX_ANSWER = 4 * 1024 * 1024;
const ANSWER_MS = 10_000;

/** Starts a fault in a cluster that runs on this machine. */
export async function startFault(fault: FaultRequest, options: FailOptions, io: CliIo): Promise<number> {
  const answer = await ask(options, io, 'POST', PATH, fault);
  const id = getString(answer, 'id') ?? '';
  io.out(
    formatAnswer(
      options.output,
      answer,
      () =>
        `${outStyle(io).yellow('!')} ${id}  ${getString(answer, 'says') ?? ''}\n  heal: landfall cluster fail heal ${id}${named(options)}\n`,
    ),
  );
  return EXIT.ok;
}

export async function listFaults(options: FailOptions, io: CliIo): Promise<number> {
  const items = getArray(await ask(options, io, 'GET', PATH), 'items');
  io.out(
    formatAnswer(options.output, items, () => {
      if (items.length === 0) return `Nothing fails on purpose in ${options.name}.\n`;
      return items
        .map((item) => {
          const hits = getNumber(item, 'hits') ?? 0;
          const over = getIn(item, 'over') === true ? ', over' : '';
          const count = `  (${hits} ${hits === 1 ? 'hit' : 'hits'} of ${getNumber(item, 'seen') ?? 0}${over})`;
          // A node is not hit now and then: it is as it is.
          const told = getString(item, 'fault', 'on') === 'node' ? '' : count;
          return `${getString(item, 'id') ?? ''}  ${getString(item, 'says') ?? ''}${told}\n`;
        })
        .join('');
    }),
  );
  return EXIT.ok;
}

/** Heals the faults of these ids; all without any. */
export async function healFaults(ids: readonly string[], options: FailOptions, io: CliIo): Promise<number> {
  let count = 0;
  for (const path of ids.length === 0 ? [PATH] : ids.map((id) => `${PATH}/${encodeURIComponent(id)}`)) {
    count += getNumber(await ask(options, io, 'DELETE', path), 'count') ?? 0;
  }
  io.out(
    formatAnswer(options.output, { healed: count }, () =>
      count === 0
        ? `Nothing failed on purpose in ${options.name}.\n`
        : `${outStyle(io).green('✓')} healed ${ids.length > 0 ? ids.join(', ') : `${count} ${count === 1 ? 'fault' : 'faults'}`}\n`,
    ),
  );
  return EXIT.ok;
}

function named({ name }: FailOptions): string {
  return name === 'landfall' ? '' : ` --name ${name}`;
}

async function ask(
  options: FailOptions,
  io: CliIo,
  method: string,
  path: string,
  body?: FaultRequest,
): Promise<JsonValue> {
  const record = await requireRecord(stateFolder(io.env), options.name);
  if (!isRunning(record)) {
    throw new LandfallError(`Cluster '${record.name}' does not run any more.`, {
      kind: 'not-found',
      code: 'cluster-not-running',
      object: record.name,
      hint: `Start it again: landfall cluster start --detach${named(options)}.`,
    });
  }
  const { status, text } = await exchange(record, io.signal, method, path, body);
  const answer = parseJson(text, `the answer of ${record.url}`);
  if (status < 300) return answer;
  const message = getString(answer, 'message') ?? `${record.url} answered ${status}.`;
  throw new LandfallError(message, {
    kind: status === 404 ? 'not-found' : status < 500 ? 'invalid-input' : 'unavailable',
    code: 'fault-refused',
    object: record.name,
    hint: `landfall cluster fail list${named(options)} shows what is on.`,
  });
}

async function exchange(
  record: ClusterRecord,
  signal: AbortSignal,
  method: string,
  path: string,
  body: FaultRequest | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  const [config] = parseYaml(await readFile(record.kubeconfig, 'utf8'), record.kubeconfig);
  const ca = Buffer.from(
    getString(config, 'clusters', 0, 'cluster', 'certificate-authority-data') ?? '',
    'base64',
  );
  const token = getString(config, 'users', 0, 'user', 'token') ?? '';
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return await new Promise((resolve, reject) => {
    const failed = (cause: unknown) =>
      reject(
        new LandfallError(
          `Cluster '${record.name}' at ${record.url} could not be told: ${messageOf(cause)}.`,
          {
            kind: 'unavailable',
            code: 'cluster-unreachable',
            object: record.name,
            hint: 'landfall cluster status shows whether it runs.',
            cause,
          },
        ),
      );
    const sent = request(
      `${record.url}${path}`,
      {
        method,
        ca,
        agent: false,
        signal,
        timeout: ANSWER_MS,
        headers: {
          authorization: `Bearer ${token}`,
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('error', failed);
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > MAX_ANSWER) response.destroy(new Error('the answer is too long'));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    sent.on('error', failed);
    sent.end(payload);
  });
}
