import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/kernel/index.ts';
import { openStage, workload } from './stage.ts';
import type { Stage } from './stage.ts';
import type { Ran } from './terminal.ts';

let stage: Stage;

interface Answer {
  readonly state: string;
  readonly objects: readonly {
    readonly name: string;
    readonly state: string;
    readonly reason: string;
    readonly engines: Readonly<Record<string, { readonly status: string } | null>>;
  }[];
  readonly claims: readonly unknown[];
}

beforeAll(async () => {
  stage = await openStage();
}, 60_000);

afterAll(() => stage.close());

/** Asks until `done`: pods start in real time. */
async function until(args: readonly string[], done: (ran: Ran) => boolean): Promise<Ran> {
  for (let tries = 0; ; tries++) {
    const ran = await stage.run(args);
    if (done(ran) || tries === 100) return ran;
    await sleep(systemClock, 150);
  }
}

describe('landfall health', () => {
  it('tells healthy from green and wrong, object by object', async () => {
    const files = workload('shop', { mode: 'web' });
    const wrong = (files['shop/all.yaml'] ?? '').replace(
      'selector: { app: shop }, ports',
      'selector: { app: shpo }, ports',
    );
    await stage.commit({ ...files, ...workload('lost', { mode: 'exit' }) });
    await stage.deliver('shop', { path: 'shop' });
    const healthy = await until(['health', 'shop'], ({ code }) => code === 0);
    expect(healthy.out).toMatch(/^✓ healthy {3}shop {3}2 objects\n\n/);
    expect(healthy.out).toMatch(/✓ Deployment\/shop\/shop {2}healthy\n {6}1\/1 ready/);

    await stage.commit({ ...files, 'shop/all.yaml': wrong });
    await stage.refresh('shop');
    const asked = ['health', 'shop', '--engine-compatible', 'argocd'];
    const { out, code } = await until(asked, (ran) => ran.out.includes('shpo'));
    expect(code).toBe(2);
    expect(out).toMatch(/^… on its way {3}shop {3}1 of 2 objects\n/);
    expect(out).toMatch(
      /… Service\/shop\/shop +on its way +Argo CD: Healthy {2}≠\n {6}has no ready endpoint/,
    );
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  }, 60_000);

  it('names the container that crashes, with the answers of both engines and the claims in JSON', async () => {
    await stage.deliver('lost', { path: 'lost' });
    const ran = await until(['health', 'lost', '-o', 'json'], ({ code }) => code === 1);
    const answer = JSON.parse(ran.out) as Answer;
    expect(answer.state).toBe('broken');
    expect(answer.objects[0]).toMatchObject({ name: 'Deployment/lost/lost', state: 'broken' });
    expect(['crash-loop', 'deadline-exceeded']).toContain(answer.objects[0]?.reason);
    expect(answer.objects[0]?.engines['kstatus']?.status).toMatch(/^(?:InProgress|Failed)$/);
    expect(answer.claims.length).toBeGreaterThan(0);
  }, 60_000);

  it('judges a file by what its objects say, and by rules that are given', async () => {
    const file = path.join(stage.home, 'objects.yaml');
    const rules = path.join(stage.home, 'rules.yaml');
    await writeFile(
      file,
      `apiVersion: v1
kind: List
items:
  - apiVersion: example.com/v1
    kind: Database
    metadata: { name: db, namespace: shop }
    status: { up: true }
  - apiVersion: v1
    kind: ConfigMap
    metadata: { name: config }
`,
    );
    await writeFile(
      rules,
      'apiVersion: landfall.dev/v1\nhealth:\n  - { apiVersion: example.com/v1, kind: Database, current: status.up }\n',
    );
    const plain = await stage.run(['health', '-f', file, '--engine-compatible', 'kstatus']);
    expect(plain.code).toBe(2);
    expect(plain.out).toMatch(/\? Database\/shop\/db +not known +kstatus: Current {2}≠/);
    expect(await stage.run(['health', '-f', file, '--rules', rules])).toMatchObject({ code: 0 });
  });

  it.each([
    ['neither an application nor a file', ['health'], /Either an application or a file/],
    ['both', ['health', 'shop', '-f', 'x.yaml'], /Either an application or a file/],
    ['a file that is not there', ['health', '-f', 'none.yaml'], /Could not read none\.yaml/],
    ['an unknown application', ['health', 'shpo'], /Did you mean shop/],
  ])('refuses %s without a stack trace', async (_, args, message) => {
    const { code, out, err } = await stage.run(args);
    expect([code === 0, out]).toEqual([false, '']);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n\s+at .*:\d+/);
  });
});
