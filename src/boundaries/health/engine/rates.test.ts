import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { healthOffline } from '../look.ts';
import { objectHealth } from '../object.ts';
import { engineReading } from './reading.ts';
import { kstatusHealth } from './kstatus.ts';

interface Case {
  readonly suite: string;
  readonly id: string;
  readonly object: JsonObject;
  readonly expect: {
    readonly status: string;
    readonly message?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
    }[];
    readonly absent?: readonly string[];
  };
}

const folder = process.env['LANDFALL_CONFORMANCE'] ?? path.join(process.cwd(), '..', 'shared', 'conformance');
const file = path.join(folder, 'health', 'cases.jsonl');
const there = existsSync(file);
const title = (text: string) => (there ? text : `${text} (skipped: no ${file})`);
const docs = path.join(process.cwd(), 'docs', 'health.md');

/** When the cases were recorded: one of them was created just then. */
const NOW = Date.parse('2026-11-20T23:05:30Z');

const all: readonly Case[] = there
  ? readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Case)
  : [];

function answer(item: Case): string {
  const engine = item.suite.startsWith('kstatus') ? 'kstatus' : 'argocd';
  return engineReading(item.object as unknown as KubeObject, engine, NOW)?.status ?? 'none';
}

function rate(cases: readonly Case[]): { readonly right: number; readonly of: number } {
  return { right: cases.filter((item) => answer(item) === item.expect.status).length, of: cases.length };
}

const suite = (prefix: string) => all.filter((item) => item.suite.startsWith(prefix));
const lua = suite('argocd-lua');

const ROWS = [
  { name: 'Argo CD, built-in kinds', cases: suite('argocd-builtin'), least: 1 },
  { name: 'Argo CD, custom resources', cases: lua, least: 0.9 },
  { name: 'kstatus, cli-utils', cases: suite('kstatus-sigs'), least: 1 },
  { name: "kstatus, Flux' fork", cases: suite('kstatus-flux'), least: 1 },
];

/** Custom resources that Landfall's own judgement calls healthy and Argo CD does not. */
function tooGreen(): readonly string[] {
  return lua
    .filter(({ expect: { status } }) => status !== 'Healthy')
    .filter(({ object }) => {
      const [subject] = healthOffline([object as unknown as KubeObject], undefined);
      return subject !== undefined && objectHealth(subject, NOW).state === 'proven';
    })
    .map(({ id }) => id);
}

function table(): string {
  const lines = ROWS.map(({ name, cases }) => {
    const { right, of } = rate(cases);
    return `| ${name} | ${of} | ${right} | ${((100 * right) / of).toFixed(1)} % |`;
  });
  const unhealthy = lua.filter(({ expect: { status } }) => status !== 'Healthy').length;
  const green = `Of the ${unhealthy} custom resources that Argo CD does not call healthy, Landfall's own judgement calls ${tooGreen().length} proven.`;
  return [
    '| cases | how many | same answer | rate |',
    '| --- | ---: | ---: | ---: |',
    ...lines,
    '',
    green,
  ].join('\n');
}

describe('the readings of the engines', () => {
  it.skipIf(!there).each(ROWS)(title('agree with the original often enough: $name'), ({ cases, least }) => {
    expect(cases.length).toBeGreaterThan(20);
    const { right, of } = rate(cases);
    const wrong = cases.filter((item) => answer(item) !== item.expect.status).map(({ id }) => id);
    expect(right / of, wrong.join('\n')).toBeGreaterThanOrEqual(least);
  });

  it.skipIf(!there)(title('are seldom less strict than Landfall itself'), () => {
    expect(tooGreen().length, tooGreen().join('\n')).toBeLessThanOrEqual(8);
  });

  it.skipIf(!there)(title('name the same conditions and reasons as kstatus'), () => {
    const wrong = suite('kstatus').filter((item) => {
      const { conditions } = kstatusHealth(item.object as unknown as KubeObject, NOW);
      const told = conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
      const wanted = (item.expect.conditions ?? []).map(
        ({ type, status, reason }) => `${type} ${status} ${reason}`,
      );
      const absent = (item.expect.absent ?? []).some((type) => told.some((text) => text.startsWith(type)));
      return absent || told.join() !== wanted.join();
    });
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  it.skipIf(!there)(title('are published as they are; LANDFALL_GOLDEN=1 writes them anew'), () => {
    const text = readFileSync(docs, 'utf8');
    const pattern = /(<!-- rates -->\n)[\s\S]*?(<!-- \/rates -->)/;
    const now = text.replace(
      pattern,
      (_, before: string, after: string) => `${before}\n${table()}\n\n${after}`,
    );
    if (process.env['LANDFALL_GOLDEN'] === '1') writeFileSync(docs, now);
    else expect(now).toBe(text);
  });

  it('read the same object differently, as the originals do', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a' },
      spec: { restartPolicy: 'Always' },
      status: { phase: 'Failed' },
    } as KubeObject;
    expect(engineReading(pod, 'kstatus', NOW)?.status).toBe('Current');
    expect(engineReading(pod, 'argocd', NOW)?.status).toBe('Degraded');
  });

  it('has no opinion of Argo CD for kinds that it leaves out, while kstatus always has one', () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } } as KubeObject;
    expect(engineReading(map, 'argocd', NOW)).toBeUndefined();
    expect(engineReading(map, 'kstatus', NOW)?.status).toBe('Current');
  });
});
