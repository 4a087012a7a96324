import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { syncWave } from '../../hooks.ts';
import { applicationEngineHealth, engineHealth } from './argocd.ts';

interface Case {
  readonly suite: string;
  readonly id: string;
  readonly object: JsonObject;
  readonly expect: { readonly status: string; readonly message?: string };
}

const folder = process.env['LANDFALL_CONFORMANCE'] ?? join(process.cwd(), '..', 'shared', 'conformance');
const file = join(folder, 'health', 'cases.jsonl');
const there = existsSync(file);

function cases(): readonly Case[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Case)
    .filter((item) => item.suite === 'argocd-builtin');
}

function object(fields: JsonObject, annotations: Record<string, string> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', annotations }, ...fields };
}

describe('the health that Argo CD gives to an object', () => {
  it.skipIf(!there)(
    `answers every built-in case as Argo CD does${there ? '' : ` (skipped: no ${file})`}`,
    () => {
      const wrong = cases().flatMap((item) => {
        const given = { metadata: { name: '' }, ...item.object } as KubeObject;
        const health = engineHealth(given);
        const same =
          health?.status === item.expect.status &&
          (item.expect.message === undefined || (health.message ?? '') === item.expect.message);
        return same ? [] : [{ id: item.id, wanted: item.expect, got: health }];
      });
      expect(wrong).toEqual([]);
      expect(cases().length).toBeGreaterThan(20);
    },
  );

  it('is no opinion for a kind without a rule', () => {
    expect(engineHealth(object({ kind: 'ConfigMap' }))).toBeUndefined();
  });

  it('calls any Service Healthy, endpoints or not', () => {
    expect(engineHealth(object({ kind: 'Service', spec: { selector: { app: 'nobody' } } }))?.status).toBe(
      'Healthy',
    );
  });

  it('refuses to judge a version that it does not know', () => {
    const old = object({ apiVersion: 'apps/v1beta1', kind: 'Deployment' });
    expect(engineHealth(old)).toMatchObject({ status: 'Unknown' });
  });

  it('is Progressing while an object is being deleted', () => {
    const leaving = object({ kind: 'ConfigMap' });
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(engineHealth(leaving)).toEqual({ status: 'Progressing', message: 'Pending deletion' });
  });
});

describe('the health that Argo CD gives to an application', () => {
  const pod = (phase: string, annotations: Record<string, string> = {}) => ({
    desired: true,
    live: object({ spec: { restartPolicy: 'Never' }, status: { phase } }, annotations),
  });
  const missing = { desired: true, live: undefined };

  it.each([
    ['nothing at all', [], 'Healthy'],
    ['only kinds without a rule', [{ desired: true, live: object({ kind: 'ConfigMap' }) }], 'Healthy'],
    ['the worst of its objects', [pod('Succeeded'), pod('Failed'), pod('Pending')], 'Degraded'],
    ['one object missing', [pod('Succeeded'), missing], 'Healthy'],
    ['every object missing', [missing, missing], 'Missing'],
    ['a failed hook', [pod('Failed', { 'argocd.argoproj.io/hook': 'PreSync' })], 'Healthy'],
    [
      'an object told to be left out',
      [pod('Failed', { 'argocd.argoproj.io/ignore-healthcheck': 'true' })],
      'Healthy',
    ],
  ] as const)('of %s', (_, subjects, status) => {
    expect(applicationEngineHealth(subjects)).toBe(status);
  });

  it('reads the wave of an object', () => {
    const wave = (text: string) => syncWave(object({}, { 'argocd.argoproj.io/sync-wave': text }));
    expect([wave('-5'), wave('3'), wave('soon')]).toEqual([-5, 3, 0]);
  });
});
