import { asLandfallError, getArray, parseJson, runProgram, textOf } from '../../kernel/index.ts';
import type { PromotionPolicy } from '../landfall-yaml/index.ts';
import type { Gate } from './gates.ts';

type Check = NonNullable<PromotionPolicy['checks']>[number];

export interface CheckContext {
  /** What is promoted, for programs: LANDFALL_… of their environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folder that programs run in. */
  readonly cwd: string;
  /** The verdict of another application: whether it has landed, and what it says. */
  readonly landedNow: (application: string) => Promise<{ readonly landed: boolean; readonly text: string }>;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 60_000;
const LARGEST_ANSWER = 256 * 1024;

interface Answer {
  readonly yes: boolean;
  readonly text: string;
}

function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').slice(0, 200);
}

/** What a program needs to run at all; nothing that this process was trusted with. */
function plainEnvironment(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    ['PATH', 'HOME', 'LANG', 'TMPDIR'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

async function runCheck(
  { run, timeout = TIMEOUT_MS }: Extract<Check, { readonly run: unknown }>,
  { environment, cwd, signal }: CheckContext,
): Promise<Answer> {
  const [program = '', ...args] = run;
  const { code, stdout, stderr } = await runProgram(program, args, {
    cwd,
    env: { ...plainEnvironment(), ...environment },
    timeoutMs: timeout,
    signal,
  });
  const said = lastLine(stderr) || lastLine(stdout.toString('utf8'));
  return { yes: code === 0, text: `exit ${code}${said === '' ? '' : `: ${said}`}` };
}

async function ask(url: string, timeout: number, signal: AbortSignal) {
  const response = await fetch(url, {
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
  });
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const next = await reader?.read();
    if (next?.value === undefined) break;
    size += next.value.length;
    chunks.push(next.value);
    if (size <= LARGEST_ANSWER) continue;
    await reader?.cancel();
    break;
  }
  return { status: response.status, text: Buffer.concat(chunks).toString('utf8') };
}

async function urlCheck(
  { url, status = 200, timeout = TIMEOUT_MS }: Extract<Check, { readonly url: unknown }>,
  { signal }: CheckContext,
): Promise<Answer> {
  const answer = await ask(url, timeout, signal);
  return { yes: answer.status === status, text: `answered ${answer.status}, wanted ${status}` };
}

/** Source: Prometheus' HTTP API, instant queries: `data.result[].value` is a time and a number as text. */
async function metricCheck(
  { prometheus, query, min, max, timeout = TIMEOUT_MS }: Extract<Check, { readonly query: unknown }>,
  { signal }: CheckContext,
): Promise<Answer> {
  const address = `${prometheus.replace(/\/+$/, '')}/api/v1/query?query=${encodeURIComponent(query)}`;
  const { status, text } = await ask(address, timeout, signal);
  const results = status === 200 ? getArray(parseJson(text, address), 'data', 'result') : [];
  const [only, another] = results;
  const value = Number(textOf(getArray(only, 'value')[1] ?? 'none'));
  if (status !== 200 || only === undefined || another !== undefined || !Number.isFinite(value))
    return {
      yes: false,
      text:
        status === 200
          ? `answered with ${results.length} series, and one number is wanted`
          : `answered ${status}`,
    };
  const fits = (min === undefined || value >= min) && (max === undefined || value <= max);
  const wanted = [min === undefined ? '' : `at least ${min}`, max === undefined ? '' : `at most ${max}`];
  return {
    yes: fits,
    text: `is ${value}, wanted ${wanted.filter((part) => part !== '').join(', ') || 'a number'}`,
  };
}

async function answerOf(check: Check, context: CheckContext): Promise<Answer> {
  if ('run' in check) return runCheck(check, context);
  if ('url' in check) return urlCheck(check, context);
  if ('query' in check) return metricCheck(check, context);
  const { landed, text } = await context.landedNow(check.landed);
  return { yes: landed, text: `${check.landed} ${text}` };
}

/** Asks every check; what cannot be asked is no yes. */
export async function checkGates(
  checks: PromotionPolicy['checks'],
  context: CheckContext,
): Promise<readonly Gate[]> {
  const gates: Gate[] = [];
  for (const check of checks ?? []) {
    let answer: Answer;
    try {
      answer = await answerOf(check, context);
    } catch (thrown) {
      context.signal.throwIfAborted();
      answer = { yes: false, text: `could not be asked: ${asLandfallError(thrown).message}` };
    }
    gates.push({
      gate: 'check',
      state: answer.yes ? 'open' : 'waiting',
      text: `${check.name}: ${answer.text}`,
    });
  }
  return gates;
}
