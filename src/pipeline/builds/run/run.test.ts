import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildStage } from '../../../../test/builds-stage.ts';
import type { BuildStage } from '../../../../test/builds-stage.ts';
import { getString, isAlive } from '../../../kernel/index.ts';
import type { Build, Builds } from '../../../ledger/index.ts';
import { readBuildRecords } from '../../../oci/index.ts';
import { decidePending } from '../pending.ts';
import { lookForBuilds } from '../watch.ts';
import { lastLines } from './output.ts';

const signal = new AbortController().signal;
/** Long enough for any machine; nothing waits for it. */
const LONG = 60_000;

const NODE = JSON.stringify(process.execPath);
const script = (text: string) => `[${NODE}, -e, ${JSON.stringify(text)}]`;

let stage: BuildStage;
beforeEach(async () => {
  stage = await buildStage();
});
afterEach(() => stage.close());

function build(
  steps: string,
  more = 'package: { entrypoint: [node], cmd: [server.js], ports: [8080] }',
): string {
  return `  shop:
    repository: "@SOURCE@"
    on: { branch: main }
    image: "@REGISTRY@/shop"
    steps: [${steps}]
    ${more}`;
}

async function built(text: string): Promise<Build> {
  await stage.look(stage.declare(text));
  return stage.run();
}

const stepsOf = (id: string) => stage.ledger.builds.steps(id);

describe('a build', { timeout: LONG }, () => {
  it('tests exactly the commit, pushes its image, and says which commit became which digests', async () => {
    const commit = await stage.commit({ 'server.js': 'console.log(1)\n', 'package.json': '{}' });
    await stage.git('tag', 'elsewhere');
    const found = await stage.look(
      stage.declare(
        build(
          `{ name: test, run: ${script('console.log(require("fs").readdirSync("."), process.env.LANDFALL_COMMIT)')} }`,
        ),
      ),
    );
    // Moves on before it is built: the build stays with its commit.
    await stage.commit({ 'server.js': 'console.log(2)\n' });
    const ended = await stage.run();
    expect(ended).toMatchObject({
      id: found.id,
      state: 'SUCCESS',
      commit,
      image: `${stage.registry.host}/shop:sha-${commit}`,
    });
    const resolution = await stage.client.resolve(ended.image, signal);
    expect(resolution.manifests[0]?.labels).toMatchObject({
      'org.opencontainers.image.revision': commit,
      'org.opencontainers.image.source': stage.source,
    });
    const [attached] = await readBuildRecords(stage.client, resolution, signal);
    expect(attached?.record).toEqual(ended.record);
    expect(ended.record).toMatchObject({
      repository: stage.source,
      commit,
      ref: 'refs/heads/main',
      digest: resolution.digest,
      index: resolution.digest,
      manifests: { 'linux/amd64': resolution.manifests[0]?.digest },
      configs: { 'linux/amd64': resolution.manifests[0]?.configDigest },
      build: ended.id,
      builder: 'landfall',
    });
    const steps = await stepsOf(ended.id);
    expect(steps.map(({ name, state, exitCode }) => [name, state, exitCode])).toEqual([
      ['checkout', 'done', undefined],
      ['test', 'done', 0],
      ['push', 'done', undefined],
    ]);
    expect(steps[1]?.head).toContain(`[ '.git', 'package.json', 'server.js' ] ${commit}`);
    expect(await stage.workspaces()).toEqual([]);
  });

  it('of the same commit is the same image again, and one that is there already is not built at all', async () => {
    await stage.commit({ 'server.js': '1' });
    const declared = stage.declare(build(''));
    const first = await stage.look(declared);
    await stage.run();
    const again = await stage.ledger.builds.add({
      ...first,
      state: 'QUEUED',
      origin: 'run',
      message: '',
      again: true,
    });
    const second = await stage.run();
    expect([second.id, second.state]).toEqual([again.build.id, 'SUCCESS']);
    expect(second.pushing).toBe((await stage.ledger.builds.get(first.id))?.pushing);
    // Another ledger, the same registry.
    await stage.ledger.builds.add({ ...first, trigger: 'new', state: 'QUEUED', message: '' });
    const third = await stage.run();
    expect(third).toMatchObject({
      state: 'SUCCESS',
      message: expect.stringContaining('was there already') as string,
    });
    expect(await stepsOf(third.id)).toEqual([]);
  });

  it('that fails says at which step, with its last lines, and pushes nothing', async () => {
    await stage.commit({ a: '1' });
    const ended = await built(
      build(
        `{ name: test, run: ${script('console.log("one"); console.error("expected 2, got 3"); process.exit(3)')} }, { name: never, run: ["true"] }`,
      ),
    );
    expect(ended).toMatchObject({ state: 'FAILURE', message: 'step test failed with exit code 3' });
    const steps = await stepsOf(ended.id);
    expect(steps.map(({ name }) => name)).toEqual(['checkout', 'test']);
    const [, test] = steps;
    expect(test === undefined ? [] : lastLines(test, 1)).toEqual(['expected 2, got 3']);
    await expect(stage.client.head(ended.image, signal)).rejects.toMatchObject({ kind: 'not-found' });
    const missing = await built(
      build('{ name: test, run: [no-such-program-xyzzy] }').replace('shop:', 'other:'),
    );
    expect(missing.message).toContain("step test: the program 'no-such-program-xyzzy' is not on PATH");
  });

  it('sees nothing of the server but what is declared, and shows no secret', async () => {
    await stage.commit({ a: '1' });
    await stage.look(
      stage.declare(
        build(
          `{ name: env, run: ${script('console.log(JSON.stringify(process.env)); console.log(Buffer.from(process.env.TOKEN).toString("base64"))')}, env: { COLOUR: blue }, secretEnv: { TOKEN: SERVER_TOKEN } }, { name: later, run: ${script('console.log("hunter2" + "-hunter2", process.env.TOKEN)')} }`,
        ),
      ),
    );
    const ended = await stage.run({
      env: {
        PATH: process.env['PATH'],
        SERVER_TOKEN: 'hunter2-hunter2',
        KUBECONFIG: '/secret',
        LANDFALL_LEDGER_KEY: 'x',
      },
    });
    expect(ended.state).toBe('SUCCESS');
    const [, first, later] = await stepsOf(ended.id);
    const env = JSON.parse(first?.head.split('\n')[0] ?? '') as Record<string, string>;
    expect(Object.keys(env).toSorted()).toEqual([
      'CI',
      'COLOUR',
      'HOME',
      'LANDFALL',
      'LANDFALL_BRANCH',
      'LANDFALL_BUILD',
      'LANDFALL_COMMIT',
      'LANDFALL_IMAGE',
      'LANDFALL_REF',
      'LANDFALL_TRIGGER',
      'LANG',
      'PATH',
      'TMPDIR',
      'TOKEN',
    ]);
    expect(env['TOKEN']).toBe('[secret TOKEN]');
    expect(first?.head.split('\n')[1]).toMatch(/^\[secret TOKEN\]=*$/);
    expect(later?.head).toBe('[secret TOKEN] undefined\n');
    await stage.commit({ a: '2' });
    const missing = await built(
      build(`{ name: env, run: ["true"], secretEnv: { TOKEN: NOT_SET } }`).replace('shop:', 'other:'),
    );
    expect(missing).toMatchObject({
      state: 'FAILURE',
      message: expect.stringContaining(
        'The secret TOKEN of the build cannot be used: the variable NOT_SET',
      ) as string,
    });
  });

  it('ends a step at its limit although it ignores SIGTERM, and everything that it started', async () => {
    await stage.commit({ a: '1' });
    const child =
      'process.on("SIGTERM",()=>{});setInterval(()=>{},1000);' +
      'const c=require("child_process").spawn(process.execPath,["-e","process.on(\'SIGTERM\',()=>{});setInterval(()=>{},1000)"],{detached:true,stdio:"ignore"});' +
      'console.log("pids",process.pid,c.pid)';
    const ended = await built(build(`{ name: stuck, run: ${script(child)}, timeout: 3s }`));
    expect(ended).toMatchObject({ state: 'TIMEOUT', message: 'step stuck took longer than 3 s' });
    const [, stuck] = await stepsOf(ended.id);
    expect(stuck?.state).toBe('timeout');
    const pids = (/pids (\d+) (\d+)/.exec(stuck?.head ?? '') ?? []).slice(1).map(Number);
    expect(pids).toHaveLength(2);
    for (const pid of pids) expect(isAlive(pid)).toBe(false);
    expect(await stage.workspaces()).toEqual([]);
  });

  it('has a limit as a whole', async () => {
    await stage.commit({ a: '1' });
    const ended = await built(
      build(`{ name: long, run: ${script('setInterval(()=>{},1000)')} }`, 'timeout: 2s'),
    );
    expect(ended.state).toBe('TIMEOUT');
  });

  it('is cancelled while it runs, by whoever asks the ledger', async () => {
    await stage.commit({ a: '1' });
    const found = await stage.look(
      stage.declare(build(`{ name: long, run: ${script('console.log("up");setInterval(()=>{},1000)')} }`)),
    );
    const running = stage.run();
    for (;;) {
      const [, step] = await stepsOf(found.id);
      if ((step?.head ?? '').includes('up')) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await stage.ledger.builds.cancel(found.id, 'ana asked for it')).toBe('WORKING');
    expect(await running).toMatchObject({ state: 'CANCELLED', message: 'ana asked for it' });
    expect((await stepsOf(found.id))[1]?.state).toBe('cancelled');
  });

  it('is given back when its process is asked to stop, and begun anew', async () => {
    await stage.commit({ a: '1' });
    const found = await stage.look(
      stage.declare(build(`{ name: long, run: ${script('setTimeout(()=>{},600000)')} }`)),
    );
    const stop = new AbortController();
    const running = stage.run({}, stop.signal);
    for (;;) {
      if ((await stepsOf(found.id)).length === 2) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    stop.abort();
    expect(await running).toMatchObject({ state: 'QUEUED', runs: 0 });
    expect((await stage.ledger.builds.claim())?.id).toBe(found.id);
  });

  it('keeps the first and the last of a flood, and no more', async () => {
    await stage.commit({ a: '1' });
    const flood =
      'const s="x".repeat(65536)+"\\n";let n=0;(function w(){while(n<800){n++;if(!process.stdout.write(s))return process.stdout.once("drain",w)}process.stdout.write("the end\\n")})()';
    const ended = await built(build(`{ name: flood, run: ${script(flood)} }`));
    expect(ended.state).toBe('SUCCESS');
    const [, step] = await stepsOf(ended.id);
    expect(step?.written).toBe(800 * 65_537 + 8);
    expect((step?.head.length ?? 0) + (step?.tail.length ?? 0)).toBeLessThanOrEqual(64 * 1024);
    expect(step?.tail.endsWith('the end\n')).toBe(true);
  });

  it('packages nothing outside of its checkout', async () => {
    await stage.commit({ a: '1' });
    await symlink('/etc', path.join(stage.source, 'out'));
    await stage.commit({ b: '1' });
    const ended = await built(build('', 'package: { folder: out, entrypoint: [node] }'));
    expect(ended).toMatchObject({
      state: 'FAILURE',
      message: expect.stringContaining("'out' cannot be packaged: it leads out of the checkout") as string,
    });
  });

  it('runs nothing that the name of a ref spells', async () => {
    await stage.commit({ a: '1' });
    await stage.git('update-ref', 'refs/tags/v$(touch${IFS}pwned)', 'HEAD');
    await stage.git('update-ref', 'refs/tags/--upload-pack=touch', 'HEAD');
    const declared = stage.declare(
      build(`{ name: show, run: ${script('console.log(process.env.LANDFALL_TAG)')} }`)
        .replace('branch: main', 'tag: "v*"')
        .replace('package:', 'tag: "sha-{commit}"\n    package:'),
    );
    await stage.look(declared);
    const ended = await stage.run();
    expect(ended.state).toBe('SUCCESS');
    expect((await stepsOf(ended.id))[1]?.head).toBe('v$(touch${IFS}pwned)\n');
  });
});

describe('a push', { timeout: LONG }, () => {
  it('waits a moment for a registry that is down, and fails honestly when it stays so', async () => {
    await stage.commit({ a: '1' });
    await stage.look(stage.declare(build('')));
    let waits = 0;
    const clock = {
      now: () => Date.now(),
      // Pauses of seconds are over at once; a limit of half an hour is not.
      after: (ms: number, callback: () => void) => {
        if (ms >= 2_000 && ms <= 30_000) waits += 1;
        const timer = setTimeout(callback, ms >= 2_000 && ms <= 30_000 ? 1 : ms);
        return { cancel: () => clearTimeout(timer) };
      },
    };
    stage.registry.fail({ effect: { type: 'status', status: 503 }, method: 'PUT', times: 2 });
    expect(await stage.run({ clock })).toMatchObject({ state: 'SUCCESS' });
    expect(waits).toBe(2);
    await stage.commit({ a: '2' });
    await stage.look(stage.declare(build('')));
    const lift = stage.registry.fail({
      effect: { type: 'status', status: 503 },
      method: 'PUT',
      times: Infinity,
    });
    const down = await stage.run({ clock });
    lift();
    expect(down).toMatchObject({ state: 'FAILURE', message: expect.stringContaining('503') as string });
    await expect(stage.client.head(down.image, signal)).rejects.toMatchObject({ kind: 'not-found' });
  });

  it('never takes a tag from another image, unless that is declared', async () => {
    await stage.commit({ a: '1' });
    const tagged = build('').replace('package:', 'tag: stable\n    package:');
    expect((await built(tagged)).state).toBe('SUCCESS');
    const before = await stage.client.head(`${stage.registry.host}/shop:stable`, signal);
    await stage.commit({ a: '2' });
    const refused = await built(tagged);
    expect(refused).toMatchObject({
      state: 'FAILURE',
      message: expect.stringContaining('has another image already') as string,
    });
    expect((await stage.client.head(`${stage.registry.host}/shop:stable`, signal)).digest).toBe(
      before.digest,
    );
    await stage.commit({ a: '3' });
    const taken = await built(tagged.replace('tag: stable', 'tag: stable\n    overwrite: true'));
    expect(taken.state).toBe('SUCCESS');
    expect((await stage.client.head(`${stage.registry.host}/shop:stable`, signal)).digest).toBe(
      taken.pushing,
    );
  });

  it('by a step is resolved, and a step that pushed nothing is found out', async () => {
    await stage.commit({ a: '1' });
    const nothing = await built(build('{ name: push, run: ["true"] }', ''));
    expect(nothing).toMatchObject({
      state: 'FAILURE',
      message: expect.stringContaining('No step pushed') as string,
    });
    const commit = await stage.commit({ a: '2' });
    const push = `
      const { createHash } = require('crypto');
      const [, host, repo, tag] = /^([^/]+)\\/(.+):([^:]+)$/.exec(process.env.LANDFALL_IMAGE);
      const sum = (b) => 'sha256:' + createHash('sha256').update(b).digest('hex');
      (async () => {
        const config = Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', config: { Labels: { 'org.opencontainers.image.revision': process.env.LANDFALL_COMMIT } }, rootfs: { type: 'layers', diff_ids: [] } }));
        const start = await fetch('http://' + host + '/v2/' + repo + '/blobs/uploads/', { method: 'POST' });
        const at = new URL(start.headers.get('location'), 'http://' + host);
        at.searchParams.set('digest', sum(config));
        await fetch(at, { method: 'PUT', body: config });
        const type = 'application/vnd.oci.image.manifest.v1+json';
        const manifest = JSON.stringify({ schemaVersion: 2, mediaType: type, config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sum(config), size: config.length }, layers: [] });
        const put = await fetch('http://' + host + '/v2/' + repo + '/manifests/' + tag, { method: 'PUT', body: manifest, headers: { 'content-type': type } });
        process.exit(put.ok ? 0 : 1);
      })();`;
    const ended = await built(build(`{ name: push, run: ${script(push)} }`, ''));
    expect(ended).toMatchObject({ state: 'SUCCESS', commit });
    const resolution = await stage.client.resolve(ended.image, signal);
    expect(getString(ended.record, 'digest')).toBe(resolution.digest);
    expect((await readBuildRecords(stage.client, resolution, signal))[0]?.record.commit).toBe(commit);
  });

  it('keeps its record under the tag schema where a registry knows no referrers', async () => {
    await stage.close();
    stage = await buildStage({ referrers: false });
    await stage.commit({ a: '1' });
    const ended = await built(build(''));
    const resolution = await stage.client.resolve(ended.image, signal);
    expect((await readBuildRecords(stage.client, resolution, signal))[0]?.record).toEqual(ended.record);
  });
});

describe('a waiting build', { timeout: LONG }, () => {
  const gated = build('').replace('image:', 'approval: { by: [ana] }\n    image:');

  it('is not run before it is approved, and void when its definition changes', async () => {
    await stage.commit({ a: '1' });
    const declared = stage.declare(gated);
    const found = await stage.look(declared);
    const { builds } = stage.ledger;
    expect([found.state, await builds.claim()]).toEqual(['PENDING', undefined]);
    const review = {
      build: found.id,
      kind: 'approve' as const,
      actor: { name: 'ana', attestedBy: 'cluster' as const },
      groups: [],
      permitted: false,
      cluster: 'c',
      comment: '',
      url: undefined,
      commit: found.commit,
    };
    await builds.review({ ...review, definitionDigest: found.definitionDigest });
    const changed = stage.declare(gated.replace('cmd: [server.js]', 'cmd: [other.js]'));
    const [decided] = await decidePending(builds, () => changed, stage.context.clock);
    expect(decided).toMatchObject({
      state: 'PENDING',
      message: expect.stringContaining('1 earlier approvals do not count') as string,
    });
    expect(await decidePending(builds, () => 'unknown', stage.context.clock)).toEqual([]);
    expect(await decidePending(builds, () => changed, stage.context.clock)).toEqual([]);
    const now = await builds.get(found.id);
    await builds.review({ ...review, definitionDigest: now?.definitionDigest ?? '' });
    expect(await decidePending(builds, () => changed, stage.context.clock)).toMatchObject([
      { state: 'QUEUED' },
    ]);
    expect(await stage.run()).toMatchObject({ state: 'SUCCESS' });
  });

  it('gives way to a newer commit, ends with its trigger, and after two months', async () => {
    await stage.commit({ a: '1' });
    const declared = stage.declare(gated);
    const first = await stage.look(declared);
    await stage.commit({ a: '2' });
    const second = await stage.look(declared);
    const { builds } = stage.ledger;
    expect(await builds.get(first.id)).toMatchObject({
      state: 'SUPERSEDED',
      message: expect.stringContaining(second.id) as string,
    });
    // Back to the first commit: nobody built it.
    await stage.git('reset', '--hard', '--quiet', 'HEAD~1');
    const third = await stage.look(declared);
    expect([third.commit, third.attempt, third.state]).toEqual([first.commit, 2, 'PENDING']);
    const later = { ...stage.context.clock, now: () => Date.now() + 61 * 86_400_000 };
    expect(await decidePending(builds, () => declared, later)).toMatchObject([{ state: 'EXPIRED' }]);
    await stage.commit({ a: '3' });
    await stage.look(declared);
    const elsewhere = stage.declare(gated.replace('branch: main', 'branch: next'));
    expect(await decidePending(builds, () => elsewhere, stage.context.clock)).toMatchObject([
      { state: 'CANCELLED', message: 'shop does not build refs/heads/main any more' },
    ]);
    await stage.commit({ a: '4' });
    await stage.look(declared);
    expect(await decidePending(builds, () => 'gone', stage.context.clock)).toMatchObject([
      { state: 'CANCELLED' },
    ]);
  });

  it('is found once, wherever a look or a decision was cut off', async () => {
    const { builds } = stage.ledger;
    await stage.commit({ a: '0' });
    const declared = stage.declare(gated);
    await stage.look(declared);
    /** As a process that dies in the middle: the call with this number is not made, and none after it. */
    function cutAt(call: number): Builds {
      let made = 0;
      return new Proxy(builds, {
        get(target, name: keyof Builds) {
          return (...args: never[]) => {
            made += 1;
            if (made >= call) throw new Error('cut off');
            return (target[name] as (...given: never[]) => unknown)(...args);
          };
        },
      });
    }
    for (let call = 1; ; call += 1) {
      const commit = await stage.commit({ a: `${call}` });
      const whole = await lookForBuilds(cutAt(call), declared, stage.mirror, signal).then(
        () => true,
        () => false,
      );
      await stage.look(declared);
      const all = await builds.list({ ref: 'refs/heads/main' }, 99);
      expect([call, all.filter((each) => each.commit === commit).length]).toEqual([call, 1]);
      expect([call, all.filter(({ state }) => state === 'PENDING').map((each) => each.commit)]).toEqual([
        call,
        [commit],
      ]);
      if (whole) break;
      expect(call).toBeLessThan(20);
    }
    const [waiting] = await builds.list({ states: ['PENDING'] }, 1);
    for (let call = 1; call < 20; call += 1)
      await decidePending(cutAt(call), () => 'gone', stage.context.clock).catch(() => undefined);
    expect((await builds.get(waiting?.id ?? ''))?.state).toBe('CANCELLED');
  });

  it('is not started by commits of Landfall, which do not hide those below them', async () => {
    await stage.commit({ a: '1' });
    const declared = stage.declare(gated);
    await stage.look(declared);
    const theirs = await stage.commit({ a: '2' });
    await stage.commit({ b: '1' }, 'Update shop\n\nLandfall-Update: 1m7y');
    expect((await stage.look(declared)).commit).toBe(theirs);
    await stage.commit({ b: '2' }, 'Update shop\n\nLandfall-Update: 1m7z');
    expect((await stage.look(declared)).commit).toBe(theirs);
    await stage.commit({ c: '1' }, 'Mend a comment [skip ci]');
    expect((await stage.look(declared)).commit).toBe(theirs);
    expect((await stage.ledger.builds.list({}, 9)).map(({ state }) => state)).toEqual([
      'PENDING',
      'SUPERSEDED',
    ]);
  });
});
