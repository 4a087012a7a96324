import { readFile } from 'node:fs/promises';
import { LandfallError, messageOf } from '../../kernel/index.ts';
import type { BuildReview } from '../../ledger/index.ts';
import type { ReviewOptions } from '../commands/builds.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';

const ATTEMPT_MS = 15_000;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** A token of the cluster; never from the command line, which every user of the machine can read. */
async function tokenOf(options: ReviewOptions, io: CliIo): Promise<string> {
  const { tokenFile } = options;
  const from = tokenFile ?? 'LANDFALL_TOKEN';
  let token: string | undefined;
  try {
    token = (tokenFile === undefined ? io.env['LANDFALL_TOKEN'] : await readFile(tokenFile, 'utf8'))?.trim();
  } catch (cause) {
    throw new LandfallError(`The token could not be read from ${from}: ${messageOf(cause)}.`, {
      kind: 'not-found',
      code: 'token-file',
      object: from,
      hint: 'Check the path, and that this user may read it.',
      cause,
    });
  }
  if (token !== undefined && token !== '') return token;
  throw new LandfallError(`${from} holds no token of the cluster.`, {
    kind: 'invalid-input',
    code: 'token',
    object: from,
    hint: 'Set LANDFALL_TOKEN to a short-lived one: LANDFALL_TOKEN=$(kubectl create token NAME --duration 10m).',
  });
}

/** Decides through a landfall serve --webhook that holds the ledger: for those who cannot reach it. */
export async function decideRemotely(
  server: string,
  id: string,
  kind: BuildReview['kind'],
  options: ReviewOptions,
  io: CliIo,
): Promise<number> {
  const { protocol, hostname } = new URL(server);
  if (protocol !== 'https:' && !LOOPBACK.has(hostname)) {
    throw new LandfallError(`A token is not sent to ${server}, where others can read it.`, {
      kind: 'invalid-input',
      code: 'server-without-tls',
      object: server,
      hint: 'Use https, or a tunnel to this machine: kubectl port-forward.',
    });
  }
  const token = await tokenOf(options, io);
  const { comment, url, commit } = options;
  let status: number;
  let answer: string;
  try {
    const response = await fetch(`${server}/builds/${encodeURIComponent(id)}/${kind}`, {
      method: 'POST',
      // The token is for this server alone.
      redirect: 'manual',
      signal: AbortSignal.any([io.signal, AbortSignal.timeout(ATTEMPT_MS)]),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({
        comment,
        ...(url === undefined ? {} : { url }),
        ...(commit === undefined ? {} : { commit }),
      }),
    });
    status = response.status;
    answer = (await response.text()).slice(0, 2_000).trim();
  } catch (thrown) {
    io.signal.throwIfAborted();
    const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
    throw new LandfallError(`${server} was not reached: ${messageOf(cause)}.`, {
      kind: 'unavailable',
      code: 'server-unreachable',
      object: server,
      hint: 'Check the address, and that landfall serve --webhook runs there. Deciding again changes nothing.',
    });
  }
  if (status !== 200) {
    const [message = '', ...hint] = answer.split('\n');
    throw new LandfallError(`${server} answered ${status}: ${message}`, {
      kind: status === 404 ? 'not-found' : status === 409 ? 'conflict' : 'denied',
      code: 'build-review-denied',
      object: id,
      ...(hint.length === 0 ? {} : { hint: hint.join(' ') }),
    });
  }
  io.out(formatAnswer(options.output, { server, answer }, () => `${outStyle(io).green('✓')} ${answer}\n`));
  return EXIT.ok;
}
