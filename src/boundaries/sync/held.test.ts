import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { read } from '../reading.ts';
import { decideSync } from './decide.ts';
import type { SyncSubject } from './decide.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const MINUTE = 60_000;
const ago = (ms: number) => new Date(NOW - ms).toISOString();
const [NEW, OLD] = ['a'.repeat(40), 'b'.repeat(40)];

const said = (application: KubeObject, more: Partial<SyncSubject>) => {
  const { state, reason } = decideSync({
    application: read(application),
    expected: read(NEW),
    now: NOW,
    ...more,
  });
  return `${state} ${reason}`;
};

describe('an Application that is synced by itself', () => {
  const outOfSync = (reconciledAt: string, automated = true): KubeObject => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'shop', namespace: 'argocd' },
    spec: automated ? { syncPolicy: { automated: {} } } : {},
    status: {
      reconciledAt,
      sync: { status: 'OutOfSync', revision: NEW },
      resources: [{ kind: 'Deployment', namespace: 'shop', name: 'web', status: 'OutOfSync' }],
    },
  });

  it('is kept from it where it was compared again and again and nothing began', () => {
    const since = { expectedSince: NOW - 30 * MINUTE };
    expect(said(outOfSync(ago(MINUTE)), since)).toBe('broken not-synced');
    expect(said(outOfSync(ago(MINUTE), false), since)).toBe('broken not-synced');
    // Nobody has looked for long: that is about the controller.
    expect(said(outOfSync(ago(28 * MINUTE)), since)).toBe('unknown stale');
  });

  it('may be about to begin', () => {
    expect(said(outOfSync(ago(MINUTE)), { expectedSince: NOW - 2 * MINUTE })).toBe('moving out-of-sync');
    expect(said(outOfSync(ago(MINUTE)), {})).toBe('moving out-of-sync');
  });
});

describe('a Kustomization and the source that it is made from', () => {
  const kustomization = (applied: string, more: JsonObject = {}): KubeObject => ({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'shop', namespace: 'flux-system', generation: 1 },
    spec: { interval: '10m' },
    status: {
      observedGeneration: 1,
      lastAppliedRevision: `main@sha1:${applied}`,
      conditions: [{ type: 'Ready', status: 'True', reason: 'ReconciliationSucceeded', message: 'Applied' }],
      ...more,
    },
  });
  const source = (spec: JsonObject, made = ago(MINUTE)): KubeObject => ({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'main', namespace: 'flux-system' },
    spec,
    status: { artifact: { lastUpdateTime: made } },
  });
  const INCLUDE = { include: [{ repository: { name: 'shared' } }] };

  it('is stopped at once where somebody suspended the source', () => {
    const behind = { expectedSince: NOW - MINUTE };
    expect(said(kustomization(OLD), { ...behind, source: source({ suspend: true }) })).toBe(
      'broken source-suspended',
    );
    expect(said(kustomization(OLD), { ...behind, source: source({}) })).toBe('moving revision-behind');
    expect(said(kustomization(NEW), { source: source({ suspend: true }) })).toBe('proven synced');
  });

  it('may be without what the source includes until its interval, and no longer', () => {
    const of = (spec: JsonObject, made: string, history: JsonObject = {}) =>
      said(kustomization(NEW, history), { source: source(spec, made) });
    expect(of(INCLUDE, ago(MINUTE))).toBe('proven synced-before-include');
    expect(of(INCLUDE, ago(MINUTE), { history: [{ lastReconciled: ago(5 * MINUTE) }] })).toBe(
      'proven synced-before-include',
    );
    expect(of(INCLUDE, ago(5 * MINUTE), { history: [{ lastReconciled: ago(MINUTE) }] })).toBe(
      'proven synced',
    );
    expect(of(INCLUDE, ago(20 * MINUTE))).toBe('proven synced');
    expect(of({}, ago(MINUTE))).toBe('proven synced');
  });
});
