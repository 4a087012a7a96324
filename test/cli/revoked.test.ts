import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getString, isJsonObject, systemClock } from '../../src/kernel/index.ts';
import type { Clock, JsonValue } from '../../src/kernel/index.ts';
import { ASKING } from './every-command.ts';
import { forbidden, openKubeProxy } from './kube-proxy.ts';
import type { KubeProxy } from './kube-proxy.ts';
import { openStage, workload } from './stage.ts';
import type { Stage } from './stage.ts';
import type { Ran } from './terminal.ts';

// Credentials that end in the middle, permissions for one kind of request at a time, and clocks that disagree.
let stage: Stage;
let proxy: KubeProxy;
let kubeconfig: string;
let manifests: string;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const STACK = /\n\s+at .*:\d+:\d+|This is a bug/;
const REVOKED = {
  status: 401,
  body: {
    apiVersion: 'v1',
    kind: 'Status',
    status: 'Failure',
    code: 401,
    reason: 'Unauthorized',
    message: 'Unauthorized',
  },
};

beforeAll(async () => {
  stage = await openStage();
  proxy = await openKubeProxy(stage.cluster);
  kubeconfig = path.join(stage.home, 'through-proxy');
  await writeFile(kubeconfig, proxy.kubeconfig);
  manifests = path.join(stage.home, 'manifests');
  await mkdir(manifests);
  await writeSet('none');
  await stage.commit(workload('shop', { mode: 'web' }));
  await stage.deliver('shop', { path: 'shop' });
  expect((await stage.prove('shop', ['--wait', '60s'])).code).toBe(0);
}, 3 * MINUTE);

afterAll(async () => {
  await proxy.close();
  await stage.close();
}, MINUTE);

async function writeSet(value: string): Promise<void> {
  const map = (name: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { key: "${value}" }\n`;
  await writeFile(path.join(manifests, 'all.yaml'), ['one', 'two', 'three'].map(map).join('---\n'));
}

function argsOf(words: string): readonly string[] {
  const call = ASKING[words] ?? [];
  return [
    ...words.split(' '),
    ...call.map((word) => (word === '{manifests}' ? manifests : word)),
    '-o',
    'json',
  ];
}

/** An answer or a failure: one document, nothing of a bug. */
function documentOf(words: string, ran: Ran): JsonValue {
  const where = `${words}\n${ran.out}\n${ran.err}`;
  expect([0, 1, 2, 3], where).toContain(ran.code);
  const document = JSON.parse(ran.out) as JsonValue;
  expect(getString(document, 'error', 'kind'), where).not.toBe('bug');
  expect(ran.out + ran.err, where).not.toMatch(STACK);
  if (isJsonObject(document) && document['error'] !== undefined) expect(ran.code, where).toBeGreaterThan(0);
  return document;
}

const through = (args: readonly string[]) => stage.run(args, { env: { KUBECONFIG: kubeconfig } });

async function values(): Promise<readonly string[]> {
  const { items } = await stage.kube.list({ apiVersion: 'v1', kind: 'ConfigMap' }, { namespace: 'default' });
  return items
    .filter(({ metadata }) => ['one', 'two', 'three'].includes(metadata.name))
    .map((item) => getString(item, 'data', 'key') ?? '');
}

describe('a token that is revoked', () => {
  it(
    'after so many requests leaves every command with an answer or a message',
    { timeout: 4 * MINUTE },
    async () => {
      for (const words of Object.keys(ASKING)) {
        if (words === 'apply') continue;
        for (const patience of [1, 3, 5, 9, 17]) {
          let requests = 0;
          proxy.meddle = () => ((requests += 1) > patience ? REVOKED : undefined);
          const ran = await through(argsOf(words));
          proxy.meddle = undefined;
          const document = documentOf(words, ran);
          // What is not green is never red: nothing contradicts it.
          expect(getString(document, 'verdict', 'state'), `${words} after ${patience}`).not.toBe('broken');
        }
      }
    },
  );

  it(
    'in the middle of an apply leaves nothing half done that recover does not end',
    { timeout: 4 * MINUTE },
    async () => {
      expect((await stage.run(argsOf('apply'))).code).toBe(0);
      const states = new Set<string>();
      let before = 'none';
      for (let patience = 1; patience < 30; patience += 2) {
        const value = `after-${patience}`;
        await writeSet(value);
        let requests = 0;
        proxy.meddle = () => ((requests += 1) > patience ? REVOKED : undefined);
        const ran = await through(argsOf('apply'));
        proxy.meddle = undefined;
        const document = documentOf('apply', ran);
        states.add(getString(document, 'state') ?? getString(document, 'error', 'code') ?? '');
        // Whoever comes next has credentials again, and another way to the cluster.
        await stage.run(['recover', '-o', 'json']);
        const now = [...new Set(await values())];
        expect(now, value).toHaveLength(1);
        expect([before, value]).toContain(now[0]);
        if (ran.code === 0) expect(now).toEqual([value]);
        before = now[0] ?? '';
      }
      // It was cut before the first write, in the middle, and not at all.
      expect([...states]).toEqual(expect.arrayContaining(['kube-unauthorized', 'stuck', 'applied']));
    },
  );
});

describe('permissions', () => {
  it.each(['GET', 'POST', 'PATCH', 'DELETE', 'PUT'])(
    'that lack %s leave every command with an answer or a message',
    { timeout: 3 * MINUTE },
    async (lacking) => {
      await writeSet(`without-${lacking}`);
      const before = (await values()).join(' ');
      for (const words of Object.keys(ASKING)) {
        proxy.meddle = (url, method) =>
          method === lacking ? forbidden(`User "ci" cannot ${method} ${url.split('?')[0]}`) : undefined;
        const ran = await through(argsOf(words));
        proxy.meddle = undefined;
        const document = documentOf(words, ran);
        const message = getString(document, 'error', 'message');
        if (message !== undefined && ran.code !== 3) expect(message, words).toContain('cannot');
      }
      const now = await values();
      expect(new Set(now).size).toBeLessThanOrEqual(1);
      if (lacking === 'GET' || lacking === 'PATCH') expect(now.join(' ')).toBe(before);
    },
  );
});

describe('a clock that is wrong', () => {
  it.each([HOUR, -HOUR])('by %i ms changes no answer', { timeout: 3 * MINUTE }, async (off) => {
    const clock: Clock = {
      now: () => systemClock.now() + off,
      after: (ms, call) => systemClock.after(ms, call),
    };
    for (const words of ['prove', 'health', 'status', 'drift', 'sync', 'apply', 'note']) {
      await writeSet(`off-${off}`);
      const args = argsOf(words).filter((word) => word !== '-o' && word !== 'json');
      const ran = await stage.run(args, { clock });
      expect([words, ran.code, ran.err]).toEqual([words, 0, '']);
      // No age of less than nothing, and none of an hour: all of this happened within minutes.
      expect(ran.out, words).not.toMatch(/-\d+ (?:ms|s|m|h)\b|\b(?:59|60|61) m\b/);
    }
  });
});
