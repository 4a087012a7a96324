import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { LandfallError, type Clock, type Timer } from '../kernel/index.ts';
import { saidByGit } from './failures.ts';
import { assertOid, gitCommand } from './program.ts';

export interface GitObject {
  readonly oid: string;
  readonly type: string;
  readonly body: Buffer;
}

export interface ObjectReader {
  /** The object, its content checked against its name; undefined when the repository does not have it. */
  read(oid: string): Promise<GitObject | undefined>;
  /** Ends the git process. A later read starts another one. */
  close(): void;
}

interface Request {
  readonly oid: string;
  readonly resolve: (object: GitObject | undefined) => void;
  readonly reject: (error: LandfallError) => void;
}

const MAX_IN_FLIGHT = 64;
const MAX_WAITING = 50_000;
const ANSWER_WITHIN_MS = 60_000;

/**
 * Reads objects through one long-lived `git cat-file --batch`. The process does not keep Node alive while it has
 * nothing to do, and ends with Node because its input closes.
 */
export function createObjectReader(options: {
  readonly gitDir: string;
  readonly display: string;
  readonly clock: Clock;
  /** Bytes of the largest object that is read. Default 64 MiB. */
  readonly maxObject?: number;
}): ObjectReader {
  const { gitDir, display, clock, maxObject = 64 * 1024 * 1024 } = options;
  const waiting: Request[] = [];
  let session: Session | undefined;

  function pump(): void {
    while (waiting.length > 0 && (session === undefined || session.inFlight.length < MAX_IN_FLIGHT)) {
      session ??= start();
      const next = waiting.shift();
      if (next) session.send(next);
    }
  }

  function start(): Session {
    const started = startSession({ gitDir, display, clock, maxObject }, (ended) => {
      if (ended && session === started) session = undefined;
      pump();
    });
    return started;
  }

  return {
    read(oid) {
      assertOid(oid);
      return new Promise((resolve, reject) => {
        if (waiting.length >= MAX_WAITING) {
          reject(
            new LandfallError(`More than ${MAX_WAITING} objects of ${display} are waiting to be read.`, {
              kind: 'unavailable',
              code: 'git-queue-full',
              object: display,
            }),
          );
          return;
        }
        waiting.push({ oid, resolve, reject });
        pump();
      });
    },
    close() {
      const closed = new LandfallError(`Reading ${display} was stopped.`, {
        kind: 'cancelled',
        code: 'cancelled',
      });
      for (const request of waiting.splice(0)) request.reject(closed);
      session?.end(closed);
      session = undefined;
    },
  };
}

interface Session {
  readonly inFlight: Request[];
  send(request: Request): void;
  end(error: LandfallError): void;
}

function startSession(
  options: { gitDir: string; display: string; clock: Clock; maxObject: number },
  onFree: (ended: boolean) => void,
): Session {
  const { gitDir, display, clock, maxObject } = options;
  const command = gitCommand(['cat-file', '--batch'], { gitDir });
  const child = spawn('git', [...command.args], { env: command.env, stdio: ['pipe', 'pipe', 'pipe'] });
  const inFlight: Request[] = [];
  let chunks: Buffer[] = [];
  let size = 0;
  let header: { oid: string; type: string; length: number } | undefined;
  let stderr = '';
  let ended = false;
  let timer: Timer | undefined;

  function end(error: LandfallError): void {
    if (ended) return;
    ended = true;
    timer?.cancel();
    keepAlive(child, false);
    child.stdin.destroy();
    child.kill('SIGKILL');
    for (const request of inFlight.splice(0)) request.reject(error);
    onFree(true);
  }

  function broken(why: string): void {
    end(
      new LandfallError(`Reading objects of ${display} failed: ${why}.`, {
        kind: 'unavailable',
        code: 'git-read-failed',
        object: display,
        hint: `Check the repository with: git --git-dir=${gitDir} fsck`,
      }),
    );
  }

  function watch(): void {
    timer?.cancel();
    timer =
      inFlight.length === 0
        ? undefined
        : clock.after(ANSWER_WITHIN_MS, () =>
            broken(`git did not answer within ${ANSWER_WITHIN_MS / 1000} s`),
          );
    keepAlive(child, inFlight.length > 0);
  }

  /** Takes the next answer out of what has arrived; false when it is not complete yet. */
  function parse(): boolean {
    const request = inFlight[0];
    if (request === undefined || ended) return false;
    if (header === undefined) {
      const buffer = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
      chunks = [buffer];
      const newline = buffer.indexOf(10);
      if (newline < 0) return false;
      const line = buffer.toString('utf8', 0, newline);
      chunks = [buffer.subarray(newline + 1)];
      size -= newline + 1;
      if (line.endsWith(' missing')) {
        inFlight.shift();
        request.resolve(undefined);
        return true;
      }
      const [oid = '', type = '', length = ''] = line.split(' ');
      header = { oid, type, length: Number(length) };
      if (!Number.isSafeInteger(header.length)) {
        broken(`git answered '${line.slice(0, 100)}'`);
        return false;
      }
      if (header.length > maxObject) {
        inFlight.shift();
        request.reject(
          new LandfallError(
            `The object ${oid} of ${display} has ${header.length} bytes; at most ${maxObject} are read.`,
            { kind: 'invalid-input', code: 'git-object-too-large', object: oid },
          ),
        );
        broken('an object before it was too large');
        return false;
      }
    }
    if (size < header.length + 1) return false;
    const buffer = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
    const object = {
      oid: header.oid,
      type: header.type,
      body: Buffer.from(buffer.subarray(0, header.length)),
    };
    chunks = [buffer.subarray(header.length + 1)];
    size -= header.length + 1;
    header = undefined;
    inFlight.shift();
    settle(request, object, display);
    return true;
  }

  child.stdout.on('data', (chunk: Buffer) => {
    if (ended) return;
    chunks.push(chunk);
    size += chunk.length;
    let answered = false;
    while (parse()) answered = true;
    if (answered && !ended) {
      watch();
      onFree(false);
    }
  });
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    if (stderr.length < 4096) stderr += text.slice(0, 4096);
  });
  child.stdin.on('error', () => {});
  child.on('error', (cause: NodeJS.ErrnoException) =>
    broken(cause.code === 'ENOENT' ? 'the program git is not on PATH' : cause.message),
  );
  child.on('close', () => broken(`git ended, saying: ${saidByGit(stderr)}`));
  keepAlive(child, false);

  return {
    inFlight,
    send(request) {
      inFlight.push(request);
      child.stdin.write(`${request.oid}\n`);
      watch();
    },
    end,
  };
}

/** An object whose content does not hash to its name is damage, whoever caused it, and is never used. */
function settle(request: Request, object: GitObject, display: string): void {
  const hash = createHash(request.oid.length === 40 ? 'sha1' : 'sha256')
    .update(`${object.type} ${object.body.length}\0`)
    .update(object.body)
    .digest('hex');
  if (hash === request.oid) {
    request.resolve(object);
    return;
  }
  request.reject(
    new LandfallError(
      `The ${object.type} ${request.oid} was asked of ${display}, and its content hashes to ${hash}.`,
      {
        kind: 'unavailable',
        code: 'git-object-damaged',
        object: request.oid,
        hint: 'The object database is damaged; run git fsck there and fetch again.',
      },
    ),
  );
}

function keepAlive(child: ChildProcessWithoutNullStreams, busy: boolean): void {
  const streams = [child.stdin, child.stdout, child.stderr] as unknown as Socket[];
  if (busy) {
    child.ref();
    for (const stream of streams) stream.ref();
  } else {
    child.unref();
    for (const stream of streams) stream.unref();
  }
}
