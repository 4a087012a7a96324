import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { NOW, workloadOf } from '../cluster.fixture.ts';
import { ignoring } from '../sync/index.ts';
import type { IgnoreRule } from '../sync/index.ts';
import { autoscaling } from './autoscaler.ts';
import { decideLive } from './decide.ts';
import type { LiveSubject } from './decide.ts';

function liveOf(asked: JsonObject, stored: JsonObject, change: Partial<LiveSubject> = {}): string {
  const object = workloadOf('Deployment', asked, {});
  const live = workloadOf('Deployment', { ...asked, ...stored }, {});
  const { state, reason } = decideLive(
    [{ object, live: { state: 'read', value: live }, why: () => undefined, autoscaled: false, ...change }],
    undefined,
    false,
    NOW,
  );
  return `${state} ${reason}`;
}

const RULE: IgnoreRule = {
  group: 'apps',
  kind: 'Deployment',
  name: '',
  namespace: '',
  jsonPointers: [],
  managers: [],
  jqPathExpressions: [],
};

describe('a replica count that Git does not ask for', () => {
  it('is drift, unless an autoscaler owns it, and unknown where autoscalers may not be read', () => {
    const asked = { replicas: 2 };
    const stored = { replicas: 5 };
    expect(liveOf(asked, stored)).toBe('broken drift');
    expect(liveOf(asked, stored, { autoscaled: true })).toBe('proven stored');
    expect(liveOf(asked, stored, { autoscaled: 'unknown' })).toBe('unknown autoscalers-unreadable');
    expect(liveOf({ ...asked, paused: true }, { ...stored, paused: false }, { autoscaled: 'unknown' })).toBe(
      'broken drift',
    );
  });

  it('is not known to be owned when the list of autoscalers was refused', () => {
    const object: KubeObject = workloadOf('Deployment', {}, {});
    expect(
      autoscaling(object, undefined, { state: 'unreadable', why: 'forbidden', code: 'kube-denied' }),
    ).toBe('unknown');
    expect(autoscaling(object, undefined, { state: 'read', value: [] })).toBe(false);
  });
});

describe('a difference that the Application ignores', () => {
  it('is none, by pointer', () => {
    const rule = { ...RULE, jsonPointers: ['/spec/replicas'] };
    expect(liveOf({ replicas: 2 }, { replicas: 5 }, { ignored: ignoring([rule]) })).toBe('proven stored');
    expect(liveOf({ paused: true }, { paused: false }, { ignored: ignoring([rule]) })).toBe('broken drift');
  });

  it('decides nothing where only a jq expression could say so', () => {
    const rule = { ...RULE, jqPathExpressions: ['.spec.replicas'] };
    expect(liveOf({ replicas: 2 }, { replicas: 5 }, { ignored: ignoring([rule]) })).toBe(
      'unknown ignore-rule-unread',
    );
    const other = { ...rule, kind: 'StatefulSet' };
    expect(liveOf({ replicas: 2 }, { replicas: 5 }, { ignored: ignoring([other]) })).toBe('broken drift');
  });
});
