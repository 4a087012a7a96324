import { spawnSync } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openTomodaStage } from '../../src/cli/demo/tomoda/stage.ts';
import type { TomodaStage } from '../../src/cli/demo/tomoda/stage.ts';
import { runProgram, systemClock } from '../../src/kernel/index.ts';

const PATIENCE_MS = 180_000;

/** Where tests decide over a release, a missing program is a failure and no reason to look away. */
export const programs =
  process.env['CI'] !== undefined ||
  ['kubectl', 'curl'].every((program) => spawnSync(program, ['--help']).status === 0);

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Shell {
  readonly stage: TomodaStage;
  /** `kubectl` as it is installed, against the cluster of the stage. Words as the document writes them. */
  readonly kubectl: (...words: readonly string[]) => Promise<Said>;
  /** `curl https://HOST/health`, led to where the Ingress is served. */
  readonly curl: (host: string) => Promise<Said>;
  /** `landfall …` and its answer as JSON. */
  ask(
    ...words: readonly string[]
  ): Promise<{ readonly code: number; readonly json: unknown; readonly err: string }>;
  close(): Promise<void>;
}

export async function openShell(options: { readonly serve?: boolean } = {}): Promise<Shell> {
  const folder = await mkdtemp(path.join(tmpdir(), 'landfall-tomoda-'));
  const stop = new AbortController();
  const stage = await openTomodaStage({ folder, clock: systemClock, signal: stop.signal, ...options });
  const start = async (program: string, words: readonly string[]): Promise<Said> => {
    const { code, stdout, stderr } = await runProgram(program, words, {
      env: stage.env,
      timeoutMs: PATIENCE_MS,
    });
    return { code: code ?? -1, out: stdout.toString('utf8'), err: stderr };
  };
  return {
    stage,
    kubectl: (...words) => start('kubectl', words),
    async curl(host) {
      const { ip, port } = await stage.ingress(host);
      const lead = ['--connect-to', `${host}:443:${ip}:${port}`, '--cacert', stage.caFile(host)];
      return start('curl', ['--silent', '--show-error', '--fail', ...lead, `https://${host}/health`]);
    },
    async ask(...words) {
      const { code, out, err } = await stage.run([...words, '-o', 'json']);
      return { code, err, json: out === '' ? undefined : (JSON.parse(out) as unknown) };
    },
    async close() {
      await stage.close();
      stop.abort();
    },
  };
}
