import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { genericHealth } from './generic.ts';

// Each rule by an object of no product: what holds for these holds for any kind.

function thing(status: JsonObject, spec: JsonObject = {}, more: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'example.com/v1',
    kind: 'Thing',
    metadata: { name: 'a', generation: 3, ...more },
    spec,
    status,
  };
}

type Condition = readonly [type: string, status: string, reason?: string, message?: string];

function conditions(...all: readonly Condition[]): JsonObject {
  return {
    conditions: all.map(([type, status, reason = '', message = '']) => ({ type, status, reason, message })),
  };
}

function check(cases: readonly (readonly [title: string, object: KubeObject, wanted: string])[]): void {
  for (const [title, object, wanted] of cases) expect(genericHealth(object).status, title).toBe(wanted);
}

describe('a custom resource is read by its conditions', () => {
  it('of which one that is False and says no more is bad, unless something is at work', () => {
    check([
      ['bare', thing(conditions(['Ready', 'False', 'NotReady'])), 'Degraded'],
      ['nothing said', thing(conditions(['Ready', 'False'])), 'Progressing'],
      ['work', thing(conditions(['Ready', 'False', 'NotReady'], ['Progressing', 'True'])), 'Progressing'],
      ['a phase', thing({ ...conditions(['Ready', 'False', 'Odd']), phase: 'Starting' }), 'Progressing'],
      ['pods', thing(conditions(['Ready', 'False', 'StatefulSetNotReady'])), 'Progressing'],
      ['counts', thing(conditions(['AllReplicasReady', 'False', 'Odd', '1/3 Pods ready'])), 'Progressing'],
      ['a failure', thing(conditions(['Ready', 'False', 'SyncFailed'], ['Progressing', 'True'])), 'Degraded'],
    ]);
  });

  it('of which a step that was taken is not the whole, and one that was not needed is no fault', () => {
    check([
      ['taken', thing(conditions(['Launched', 'True'])), 'Progressing'],
      ['not taken', thing(conditions(['Registered', 'False', 'InstanceRefused'])), 'Degraded'],
      ['not needed', thing(conditions(['Available', 'True'], ['BalancerManaged', 'False', 'X'])), 'Healthy'],
      ['idle', thing(conditions(['Ready', 'True'], ['Active', 'False', 'NothingToDo'])), 'Healthy'],
    ]);
  });

  it('of which nobody knows what they mean: nothing says that it is ready', () => {
    check([
      ['one', thing(conditions(['Example', 'True', 'Example', 'ok'])), 'Progressing'],
      ['none yet', thing({ parents: [{ conditions: [] }] }), 'Progressing'],
      ['something bad is ruled out', thing(conditions(['SourcesUnhealthy', 'False'])), 'Healthy'],
      ['it is free of something bad', thing(conditions(['NoWarnings', 'True'])), 'Healthy'],
    ]);
  });

  it('of which work may be over, held or stuck', () => {
    const over = [
      'Progressing',
      'True',
      'NewReplicaSetAvailable',
      'It has successfully progressed.',
    ] as const;
    check([
      ['over', thing(conditions(over, ['Available', 'True'])), 'Healthy'],
      ['held', thing(conditions(['Progressing', 'Unknown', 'RolloutPaused'])), 'Suspended'],
      ['not known', thing(conditions(['Available', 'True'], ['Progressing', 'Unknown'])), 'Progressing'],
      ['stuck', thing(conditions(['Reconciling', 'True'], ['Stalled', 'True', 'SecretMissing'])), 'Degraded'],
      ['runs, and is at it', thing(conditions(['Running', 'True', 'Running', 'Creating it'])), 'Progressing'],
      ['runs no more', thing(conditions(['Ready', 'True'], ['Running', 'False', 'Completed'])), 'Healthy'],
    ]);
  });
});

describe('a custom resource is read by what its conditions say together', () => {
  it('of which a decision needs no reason, and an end may be a bad one', () => {
    check([
      ['refused', thing({ parts: [conditions(['Admitted', 'False'])] }), 'Degraded'],
      ['not ready yet', thing({ parts: [conditions(['Ready', 'False'])] }), 'Progressing'],
      ['ended badly', thing(conditions(['Complete', 'True', 'TaskFailed', 'Failed'])), 'Degraded'],
      ['ended well', thing(conditions(['Complete', 'True', 'TaskDone', 'Done'])), 'Healthy'],
      ['being made', thing(conditions(['Ready', 'False', 'It is being created'])), 'Progressing'],
      [
        'half of it',
        thing(conditions(['Ready', 'Unknown', 'PartError', 'A part is not working'])),
        'Degraded',
      ],
    ]);
  });

  it('of which a part that is not there is no fault of a whole that is ready, unless it complains', () => {
    const ready = ['Ready', 'True'] as const;
    check([
      [
        'not needed',
        thing(conditions(ready, ['CronJobAvailable', 'False', 'OtherStrategy', 'another one is used'])),
        'Healthy',
      ],
      ['partly', thing(conditions(ready, ['PartiallyReady', 'True', '', 'one failed'])), 'Healthy'],
      ['complains', thing(conditions(ready, ['PoolAvailable', 'False', 'CreateFailed'])), 'Degraded'],
      ['is all there is', thing(conditions(['PoolAvailable', 'False', 'OtherStrategy'])), 'Degraded'],
    ]);
  });

  it('of which a part may be at work, and work that runs well is over', () => {
    const ready = ['Ready', 'True'] as const;
    check([
      ['at work', thing(conditions(ready, ['RolloutProgressing', 'True', 'Modified'])), 'Progressing'],
      [
        'over',
        thing(conditions(ready, ['Progressing', 'True', 'NodesRunning', 'All are running'])),
        'Healthy',
      ],
    ]);
  });
});

describe('a custom resource is read by the rest of its status', () => {
  it('by a complaint, whatever else it says', () => {
    check([
      ['a text', thing({ errorMessage: 'no such host', ready: false }), 'Degraded'],
      ['an object', thing({ error: { message: 'no such volume' }, ready: false }), 'Degraded'],
      ['an empty one', thing({ errorMessage: '', phase: 'Ready' }), 'Healthy'],
      ['a count', thing({ failedStepsCount: 1, phase: 'Ready' }), 'Degraded'],
      ['a count of none', thing({ failedStepsCount: 0, phase: 'Ready' }), 'Healthy'],
      ['nothing to go with', thing({ noMatchingPools: true, phase: 'Ready' }), 'Degraded'],
    ]);
  });

  it('by a part that is not well, though it is ready itself', () => {
    const ready = conditions(['Ready', 'True']);
    check([
      ['waits', thing({ ...ready, environments: [{ phase: 'pending' }] }), 'Progressing'],
      ['failed', thing({ ...ready, environments: [{ checks: [{ phase: 'failure' }] }] }), 'Degraded'],
      ['is ill', thing({ ...ready, members: [{ health: 'Unhealthy' }] }), 'Degraded'],
      ['was ill once', thing({ ...ready, history: [{ phase: 'failure' }] }), 'Healthy'],
    ]);
  });

  it('by generations that are numbers, and not by hashes that look like some', () => {
    const status = { phase: 'Healthy' };
    check([
      ['older', thing({ ...status, observedGeneration: '2' }), 'Progressing'],
      ['a hash of digits', thing({ ...status, observedGeneration: '8575574967' }), 'Healthy'],
      ['a hash', thing({ ...status, observedGeneration: 'abc123' }), 'Healthy'],
      ['a later one than was stored then', thing({ ...status, observedGeneration: 4 }), 'Healthy'],
    ]);
  });

  it('by what holds it: a partition, a switch, a report that is still to come', () => {
    const partition = { replicas: 5, updateStrategy: { rollingUpdate: { partition: 2 } } };
    const counts = { replicas: 5, readyReplicas: 5 };
    check([
      ['a partition', thing({ ...counts, updatedReplicas: 3 }, partition), 'Suspended'],
      ['nothing left to hold', thing({ ...counts, updatedReplicas: 5 }, partition), 'Healthy'],
      ['a switch', thing({ phase: 'Ready' }, { enabled: false }), 'Suspended'],
      ['no report', thing({ statuses: { a: { reportedBy: 'x', state: 0 } } }), 'Suspended'],
      ['a refusal', thing({ statuses: { a: { reportedBy: 'x', state: 2 } } }), 'Degraded'],
    ]);
  });

  it('by a word that nobody knows, which is no good word', () => {
    check([
      ['a sentence', thing({ currentState: 'The set is not managed by anybody' }), 'Degraded'],
      [
        'a bad one further in',
        thing({ ...conditions(['Ready', 'True']), model: { loadStatus: 'BlockedByQuota' } }),
        'Degraded',
      ],
      ['one of earlier', thing({ phase: 'Running', phaseTransitions: [{ phase: 'Pending' }] }), 'Healthy'],
      ['on its way to a machine', thing({ phase: 'Scheduled' }), 'Progressing'],
      ['unknown to us', thing({ state: 'Zorp' }), 'Progressing'],
      ['not decided', thing({ phase: 'Inconclusive' }), 'Unknown'],
    ]);
  });
});
