import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everyLeaf } from './every-command.ts';
import { newPerson } from './terminal.ts';
import type { Person } from './terminal.ts';

let person: Person;

beforeAll(async () => {
  person = await newPerson();
});

afterAll(() => person.leave());

/** The commands that a help text lists. */
function listed(help: string): readonly string[] {
  const section = /^Commands:\n((?: {2}.*\n)+)/m.exec(help)?.[1] ?? '';
  return [...section.matchAll(/^ {2}([a-z]+)/gm)]
    .map((match) => match[1] ?? '')
    .filter((name) => name !== 'help');
}

async function everyCommand(words: readonly string[] = []): Promise<readonly (readonly string[])[]> {
  const { out } = await person.run([...words, '--help']);
  const children = await Promise.all(listed(out).map((name) => everyCommand([...words, name])));
  return [words, ...children.flat()];
}

describe('help', () => {
  it('of every command says what it does, and gives an example to paste', async () => {
    const all = await everyCommand();
    expect(all.map((words) => words.join(' '))).toEqual(
      expect.arrayContaining(['prove', 'trace', 'explain', 'status', 'render', 'init', 'serve', 'demo']),
    );
    expect(all.map((words) => words.join(' '))).toEqual(
      expect.arrayContaining([
        'cluster start',
        'cluster stop',
        'cluster status',
        'image build',
        'completion',
      ]),
    );
    for (const words of [...all, ['help']]) {
      const { code, out, err } = await person.run([...words, '--help']);
      expect([words, code, err]).toEqual([words, 0, '']);
      expect(out).toMatch(/^Usage: landfall/);
      const example = new RegExp(`^ {2}.*\\blandfall ${words.join(' ')}`, 'm');
      expect(out.slice(out.indexOf('\nExamples:\n'))).toMatch(example);
      for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
    }
  });

  it('lists every command with a sentence', async () => {
    for (const words of [[], ['cluster'], ['image']]) {
      const { out } = await person.run([...words, '--help']);
      const rows = /^Commands:\n((?: {2}.*\n)+)/m
        .exec(out)?.[1]
        ?.split('\n')
        .filter((row) => /^ {2}\S/.test(row));
      expect(rows?.length).toBeGreaterThan(0);
      for (const row of rows ?? []) expect(row).toMatch(/^ {2}\S.* {2}\S/);
    }
  });

  it('names every variable of the environment that is read', async () => {
    const folder = path.resolve(import.meta.dirname, '../../src');
    const read = new Set<string>();
    for (const name of await readdir(folder, { recursive: true })) {
      if (!/^(?:cli|kube|oci|ledger|pipeline|controller)\/.*\.ts$/.test(name) || /test|fixture/.test(name))
        continue;
      for (const match of (await readFile(path.join(folder, name), 'utf8')).matchAll(
        /\benv\['(LANDFALL_\w+|KUBECONFIG|DOCKER_CONFIG|NO_COLOR|FORCE_COLOR)'\]/g,
      ))
        read.add(match[1] ?? '');
    }
    expect(read.size).toBeGreaterThan(8);
    const { out } = await person.run(['help', 'environment']);
    expect([...read].filter((name) => !out.includes(name))).toEqual([]);
  });

  it('is there by topic and by command, and nearest names are given for anything else', async () => {
    expect((await person.run(['help', 'boundaries'])).out).toContain('Each asks one question');
    expect((await person.run(['help', 'exit', 'codes'])).out).toContain('not proven in time');
    expect((await person.run(['help', 'cluster', 'start'])).out).toContain('--detach');
    expect(await person.run(['help', 'boundries'])).toMatchObject({
      code: 3,
      err: expect.stringContaining('Did you mean boundaries?') as unknown,
    });
    // A name that every JavaScript object knows is no topic.
    expect(await person.run(['help', 'constructor'])).toMatchObject({ code: 3, out: '' });
  });

  it('comes without any argument', async () => {
    const { code, out } = await person.run([]);
    expect([code, listed(out).includes('prove')]).toEqual([0, true]);
  });
});

describe('wrong usage', () => {
  it.each<[readonly string[], RegExp]>([
    [['prov'], /Did you mean prove\?/],
    [['cluster', 'strat'], /Did you mean start\?/],
    [['prove'], /missing required argument 'app'/],
    [['prove', 'x', '--wiat', '5m'], /Did you mean --wait\?/],
    [['prove', 'x', '--wait', 'soon'], /A duration is 90s, 5m or 1h30m/],
    [['prove', 'x', '--wait', '-5'], /A duration is/],
    [['prove', 'x', '--wait', '5 m'], /A duration is/],
    [['prove', 'x', '-o', 'xml'], /Allowed choices are text, json, yaml/],
    [['prove', 'x', 'y'], /too many arguments/],
    [['prove', 'x', '--registry-mirror', 'corp'], /A mirror is HOST=URL/],
    [['cluster', 'start', '--port', '70000'], /A port is a number from 0 to 65535/],
    [['cluster', 'start', '--port', ''], /A port is a number/],
    [['cluster', 'start', '--port', '1e3'], /A port is a number/],
    [['cluster', 'start', '--nodes', '0'], /from 1 to 1000/],
    [['cluster', 'start', '--name', 'Two Words'], /cannot name a cluster/],
    [['cluster', 'start', '--name', '../../etc'], /cannot name a cluster/],
    [['cluster', 'stop', '--name', '../../etc'], /cannot name a cluster/],
    [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/],
    [['image', 'build', '.'], /required option '-t, --tag/],
    [['image', 'build', '.', '-t', 'x', '--env', 'NAME'], /NAME=VALUE/],
    [['apply', '--plan', 'p', '--prune'], /--plan and --prune contradict each other/],
    [['apply', '.', '--prune-kept'], /--prune-kept says nothing without --prune/],
    [['plan', '.', '--prune-kept'], /--prune-kept says nothing without --prune/],
    [['render', '--why', 'deploy/a:b', '--diff', 'HEAD'], /--why and --diff contradict each other/],
    [['render', '--diff', 'HEAD', '--against', '.'], /--diff and --against contradict each other/],
    [['recover', '--reason', 'why'], /--reason says nothing without --forget/],
    [['render', '--others'], /--others says nothing without --diff/],
    [['sync', 'x', '--terminate', '--force'], /--terminate and --force contradict each other/],
    [['sync', 'x', '--no-wait', '--timeout', '5s'], /--no-wait and --timeout contradict each other/],
    [['check', '--format', 'sarif', '-o', 'text'], /--format and --output contradict each other/],
    [['health', 'x', '--rules', 'f'], /--rules says nothing without --filename/],
    [['init', '--yes', '--dry-run'], /--yes and --dry-run contradict each other/],
    [['serve', '--from', 'x'], /--from says nothing without --path/],
    [['serve', '--no-leases', '--parts', '2'], /--no-leases and --parts contradict each other/],
    [['builds', 'approve', 'x', '--token-file', 'f'], /--token-file says nothing without --server/],
    [['builds', 'report', 'x', '--message', 'why'], /--message says nothing without --failed/],
  ])('%j ends with exit code 3 and says what was wanted', async (args, wanted) => {
    const { code, out, err } = await person.run(args);
    expect(err).toMatch(wanted);
    expect(err).toMatch(/^✗ /);
    expect([code, out]).toEqual([3, '']);
    expect(err).not.toMatch(STACK);
  });

  it('a group of commands without one shows its commands', async () => {
    for (const group of ['cluster', 'image']) {
      const { code, err } = await person.run([group]);
      expect([code, listed(err).length > 0]).toEqual([3, true]);
    }
  });
});

const STACK = /\n\s+at .*:\d+:\d+|This is a bug/;

describe('without a cluster', () => {
  it.each([['prove', 'shop'], ['trace', 'shop', 'image'], ['explain', 'shop'], ['status'], ['serve']])(
    '%s says how to get one',
    async (...args) => {
      const { code, out, err } = await person.run(args);
      expect([code, out]).toEqual([3, '']);
      expect(err).toMatch(/No cluster is configured: .*\.kube\/config does not exist/);
      expect(err).toContain('landfall cluster start');
      expect(err).not.toMatch(STACK);
    },
  );

  it('none runs and none can be stopped, and both say so', async () => {
    expect(await person.run(['cluster', 'status'])).toEqual({
      code: 1,
      out: 'No cluster runs on this machine. landfall cluster start brings one up.\n',
      err: '',
    });
    expect(await person.ask(['cluster', 'status'])).toMatchObject({ code: 1, json: [] });
    const stopped = await person.run(['cluster', 'stop']);
    expect(stopped.code).toBe(3);
    expect(stopped.err).toContain("No cluster 'landfall' was started");
  });

  it('a record that is no JSON is no cluster', async () => {
    const folder = path.join(person.home, '.local/state/landfall/clusters/torn');
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'cluster.json'), '{"pid": 1');
    expect(await person.ask(['cluster', 'status'])).toMatchObject({ code: 1, json: [] });
  });
});

describe('colours', () => {
  const coloured = '\u001B[';
  const wrong = ['cluster', 'stop'];

  it.each<[string, boolean, Record<string, string>, boolean]>([
    ['a pipe has none', false, {}, false],
    ['a terminal has them', true, {}, true],
    ['NO_COLOR turns them off', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR does not', true, { NO_COLOR: '' }, true],
    ['a dumb terminal has none', true, { TERM: 'dumb' }, false],
    ['FORCE_COLOR turns them on in a pipe', false, { FORCE_COLOR: '1' }, true],
    ['NO_COLOR wins over FORCE_COLOR', true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ])('%s', async (_title, terminal, env, wanted) => {
    for (const args of [wrong, ['prov']]) {
      const { err } = await person.run(args, { terminal, env });
      expect([args, err.includes(coloured)]).toEqual([args, wanted]);
    }
  });
});

describe('completion', () => {
  it('is a script that bash reads, and completes commands and options', async () => {
    const { out } = await person.run(['completion', 'bash']);
    const complete = (line: readonly string[]) =>
      promisify(execFile)('bash', [
        '-c',
        `${out}\nCOMP_WORDS=(${line.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _landfall; echo "\${COMPREPLY[@]}"`,
      ]);
    expect((await complete(['landfall', 'prov'])).stdout.trim()).toBe('prove');
    expect((await complete(['landfall', 'cluster', 'st'])).stdout.trim().split(' ').toSorted()).toEqual([
      'start',
      'status',
      'stop',
    ]);
    expect((await complete(['landfall', 'prove', 'shop', '--wa'])).stdout.trim()).toBe('--wait');
    // Values where they are known, in the place where they stand; nothing of ours where anything may stand.
    expect((await complete(['landfall', 'prove', 'shop', '-o', ''])).stdout.trim()).toBe('text json yaml');
    expect((await complete(['landfall', 'apply', '.', '--on-failure', 'k'])).stdout.trim()).toBe('keep');
    expect((await complete(['landfall', 'apply', '.', '--timeout', ''])).stdout.trim()).toBe('');
    expect((await complete(['landfall', 'completion', ''])).stdout.trim()).toMatch(/^bash zsh fish/);
    expect((await complete(['landfall', 'help', 'exit'])).stdout.trim()).toBe('exit-codes');
  });

  it('knows every option of every command', async () => {
    const { out } = await person.run(['completion', 'bash']);
    const fish = (await person.run(['completion', 'fish'])).out;
    for (const { words, options } of everyLeaf()) {
      const line = out.split('\n').find((each) => each.startsWith(`    '${words}') candidates=`)) ?? '';
      expect([words, options.filter((option) => !line.includes(option))]).toEqual([words, []]);
      expect([words, options.filter((option) => !fish.includes(` -l ${option.slice(2)}`))]).toEqual([
        words,
        [],
      ]);
    }
  });

  it('is there for zsh and fish', async () => {
    expect((await person.run(['completion', 'zsh'])).out).toContain('bashcompinit');
    expect((await person.run(['completion', 'fish'])).out).toContain('complete -c landfall');
  });
});
