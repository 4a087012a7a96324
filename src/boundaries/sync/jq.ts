import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { LandfallError, getArray, parseJson } from '../../kernel/index.ts';
import type { Clock, JsonValue } from '../../kernel/index.ts';

/** Keys and indices of one field, as jq counts them. */
export type JqPath = readonly JsonValue[];

/** Evaluates jq expressions apart from this thread, so that one that never ends costs nobody else anything. */
export interface Jq {
  /**
   * The paths in `value` that an expression names; none where it does not fit the value (`.spec.list[]` of an object
   * without a list), as Argo CD takes it. Throws `invalid-input` for an expression that is none, or does not end.
   */
  paths(expression: string, value: JsonValue, signal: AbortSignal | undefined): Promise<readonly JqPath[]>;
  close(): Promise<void>;
}

/** Argo CD's limit for one evaluation. */
const TIME_LIMIT = 1000;
/** The first one also loads the program. */
const START_LIMIT = 15_000;
const KEPT = 2000;

const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const { raw } = require(workerData);
raw('null', '.').then(() => parentPort.postMessage({ ready: true }));
parentPort.on('message', async ({ filter, input }) => {
  try {
    parentPort.postMessage({ output: await raw(input, filter, ['-c']) });
  } catch (error) {
    parentPort.postMessage({ error: String(error && error.message) });
  }
});
`;

type Reply = { readonly ready?: true; readonly output?: string; readonly error?: string };

/** Starts nothing until something is asked. */
export function createJq(clock: Clock): Jq {
  const known = new Map<string, readonly JqPath[]>();
  let worker: Worker | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  async function begin(): Promise<Worker> {
    if (worker !== undefined) return worker;
    const program = createRequire(import.meta.url).resolve('jq-wasm');
    const started = new Worker(PROGRAM, { eval: true, workerData: program, stderr: true, stdout: true });
    // An expression is no reason to keep the process alive.
    started.unref();
    worker = started;
    await reply(started, START_LIMIT, () => {});
    return started;
  }

  async function stop(): Promise<void> {
    const old = worker;
    worker = undefined;
    await old?.terminate();
  }

  function reply(from: Worker, limit: number, ask: () => void): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      const end = () => {
        timer.cancel();
        from.off('message', onMessage);
        from.off('error', onError);
      };
      const onMessage = (message: Reply) => {
        end();
        resolve(message);
      };
      const onError = (error: Error) => {
        end();
        worker = undefined;
        reject(error);
      };
      const timer = clock.after(limit, () => {
        end();
        resolve({});
      });
      from.on('message', onMessage);
      from.on('error', onError);
      ask();
    });
  }

  async function evaluate(expression: string, input: string): Promise<readonly JqPath[]> {
    const asked = await begin();
    const filter = `[path(${expression})]`;
    const { output, error } = await reply(asked, TIME_LIMIT, () => asked.postMessage({ filter, input }, []));
    if (output !== undefined) {
      const paths = parseJson(output, 'What jq answered');
      return getArray(paths).map((path) => getArray(path));
    }
    const invalid = (what: string) =>
      new LandfallError(`The jq expression ${expression} ${what}.`, {
        kind: 'invalid-input',
        code: 'jq-invalid',
        object: expression,
        hint: 'Correct it in spec.ignoreDifferences.',
      });
    if (error === undefined) {
      await stop();
      throw invalid(`did not end within ${TIME_LIMIT} ms`);
    }
    if (/compile error|syntax error/.test(error)) {
      throw invalid(`cannot be read: ${error.replaceAll(/\s+/g, ' ').slice(0, 200)}`);
    }
    return [];
  }

  return {
    paths(expression, value, signal) {
      const input = JSON.stringify(value);
      const key = `${createHash('sha256').update(input).digest('base64')} ${expression}`;
      const kept = known.get(key);
      if (kept !== undefined) {
        known.delete(key);
        known.set(key, kept);
        return Promise.resolve(kept);
      }
      const work = turn.then(async () => {
        signal?.throwIfAborted();
        const paths = await evaluate(expression, input);
        known.set(key, paths);
        for (const oldest of known.keys()) {
          if (known.size <= KEPT) break;
          known.delete(oldest);
        }
        return paths;
      });
      turn = work.catch(() => {});
      return work;
    },
    async close() {
      await stop();
    },
  };
}
