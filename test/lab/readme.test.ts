import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../src/kernel/index.ts';
import { openBinary } from '../cli/binary.ts';
import type { Binary } from '../cli/binary.ts';

// What the README of the example tells people to type, typed.
const MINUTE = 60_000;
const root = path.resolve(import.meta.dirname, '../..');
const STAGING = 'apps/payment-api/overlays/staging';

/** How each command of the exercise ends where it is not 0: what differs is an answer, not a failure. */
const ENDS: Readonly<Record<string, number>> = {
  [`landfall render ${STAGING} --diff HEAD --others`]: 1,
  [`landfall render ${STAGING} --diff HEAD~1 --others`]: 1,
  'landfall drift payment-api-staging': 1,
};

/** What the words of a step stand for. */
const MEANT: Readonly<Record<string, string>> = {
  'patch-image.yaml': `perl -0pi -e 's/nginx:1\\.27\\.5/nginx:1.27.6/g' ${STAGING}/patch-image.yaml`,
  'git commit': `git commit -qam "chore(delivery): promote payment-api staging image"`,
};

const SELF_HEAL_OFF = `kubectl patch application payment-api-staging -n argocd --type=merge -p '{"spec":{"syncPolicy":{"automated":null}}}'`;

let binary: Binary;
let readme: string;

async function sh(script: string): Promise<{ readonly code: number; readonly said: string }> {
  const { code, stdout, stderr } = await runProgram('sh', ['-c', script], {
    cwd: path.join(binary.folder, 'lab'),
    timeoutMs: 15 * MINUTE,
    env: {
      PATH: `${path.join(binary.folder, 'bin')}:${process.env['PATH'] ?? ''}`,
      HOME: binary.home,
      TMPDIR: binary.temporary,
      GIT_AUTHOR_NAME: 'Lab',
      GIT_AUTHOR_EMAIL: 'lab@example.com',
      GIT_COMMITTER_NAME: 'Lab',
      GIT_COMMITTER_EMAIL: 'lab@example.com',
    },
  });
  return { code, said: `${stdout.toString('utf8')}${stderr}` };
}

/** The same with more patience than a person has: a machine that is busy is no failure. */
function patient(script: string): string {
  return script
    .replaceAll(/--wait \d+m/g, '--wait 10m')
    .replaceAll(/^(landfall drift .* (?:accept|revert) .*)$/gm, '$1 --wait 10m');
}

/** The commands of the table in their order, and before the drift what the README says about self-heal. */
function exercise(): readonly string[] {
  const rows = readme.split('\n').filter((line) => /^\| \d/.test(line));
  return rows.flatMap((row) => {
    const [, step = '', commands = ''] = row.split(/(?<!\\)\|/);
    const words = [...commands.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
    const typed = words
      .map((word) => MEANT[word] ?? word)
      .filter((word) => /^(?:landfall|kubectl|perl|git commit) /.test(word));
    return step.trim().startsWith('9') ? [SELF_HEAL_OFF, ...typed] : typed;
  });
}

beforeAll(async () => {
  binary = await openBinary();
  readme = await readFile(path.join(root, 'examples/payment-api/README.md'), 'utf8');
  await mkdir(path.join(binary.folder, 'lab'));
  await mkdir(path.join(binary.folder, 'bin'));
  const program = path.join(binary.folder, 'bin', 'landfall');
  await writeFile(program, `#!/bin/sh\nexec ${process.execPath} ${binary.script} "$@"\n`);
  await chmod(program, 0o755);
}, 2 * MINUTE);

afterAll(() => binary?.remove());

describe('the README of payment-api', () => {
  it(
    'can be typed as it stands: the cluster comes up, staging lands, and each step of the exercise answers',
    async () => {
      const block = /```sh\n([^]*?)```/.exec(readme)?.[1] ?? '';
      const commands = exercise();
      expect(commands.length).toBeGreaterThan(12);
      const steps = commands.map(
        (command) =>
          `${command}\n[ $? = ${ENDS[command] ?? 0} ] || { echo "FAILED: ${command.replaceAll('"', '\\"').replaceAll('$', '\\$')}"; exit 9; }`,
      );
      const { code, said } = await sh(
        [
          `trap 'kill $serve; wait $serve; landfall cluster stop' EXIT`,
          block.replaceAll('../landfall/', `${root}/`).replace('--poll 10s &', '--poll 10s &\nserve=$!'),
          ...steps,
        ]
          .map(patient)
          .join('\n'),
      );
      expect(code, said).toBe(0);
      expect(said).toContain('✓ landed   payment-api-staging → staging   release 1.27.5');
      expect(said).toContain('✓ landed   payment-api-staging → staging   release 1.27.6');
      expect(said).toContain('✓ landed   payment-api-prod → prod   release 1.27.4');
      expect(said).toMatch(/✓ accepted {3}payment-api-staging: Git, controller and workload agree/);
      expect(said).toContain('nothing was written');
    },
    16 * MINUTE,
  );
});
