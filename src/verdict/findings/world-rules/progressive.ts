import { getString } from '../../../kernel/index.ts';
import { counted, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

/** INT-05, TRA-07, HEA-06: what progressive delivery shows of itself. Sources: Argo Rollouts, Flagger statuses. */
function progressive(view: View): Draft[] {
  const drafts: Draft[] = [];
  for (const thing of view.kind('Rollout')) {
    const phase = thing.text('status', 'phase');
    const message = thing.text('status', 'message') ?? '';
    if (thing.get('status', 'abort') === true || /RolloutAborted/.test(message))
      drafts.push({
        failure: 'INT-05',
        id: 'rollout-aborted',
        boundary: 'rollout',
        title: `${thing.id} was aborted: Git asks for the new version, users get the old one`,
        confidence: 0.96,
        why: [
          message === '' ? 'The rollout went back to its stable version.' : quote(message),
          'Git still asks for what was refused; another sync changes nothing, and a retry tries the same again.',
        ],
        claims: [
          view.about('rollout', thing, 'abort', 'true', 'status', 'abort'),
          view.about(
            'rollout',
            thing,
            'stableRS',
            thing.text('status', 'stableRS') ?? '',
            'status',
            'stableRS',
          ),
        ],
        misleading: [['Argo CD: Synced', 'the spec equals Git; the status says that it was refused']],
        now: [
          'Go back in Git, or commit a version that is mended.',
          `kubectl argo rollouts get rollout ${thing.name}${thing.n}`,
        ],
        lasting: ['Let an abort open the commit that goes back, and call it aborted, never synced.'],
        verify: [`kubectl argo rollouts status ${thing.name}${thing.n}`],
        can: 'rollback',
        space: thing.namespace,
      });
    else if (phase === 'Paused' || thing.list('status', 'pauseConditions').length > 0)
      drafts.push({
        failure: 'TRA-07',
        id: 'rollout-waits-for-promotion',
        boundary: 'rollout',
        title: `${thing.id} is paused at a step and waits for somebody`,
        confidence: 0.88,
        why: [
          `${getString(thing.list('status', 'pauseConditions')[0], 'reason') ?? message}: only a part of the users gets the new version until it is promoted.`,
        ],
        claims: [view.about('rollout', thing, 'phase', phase ?? 'Paused', 'status', 'pauseConditions')],
        misleading: [['all pods are healthy, Argo CD shows Suspended', 'and nobody looks at it']],
        now: ['Promote or abort it.', `kubectl argo rollouts promote ${thing.name}${thing.n}`],
        lasting: ['An alert on the age of a pause, and weights that are measured, not believed.'],
        verify: [`kubectl argo rollouts status ${thing.name}${thing.n}`],
        space: thing.namespace,
      });
    const active = thing.text('spec', 'strategy', 'blueGreen', 'activeService');
    const service = active === undefined ? undefined : view.find('Service', thing.namespace, active);
    const selected = service?.text('spec', 'selector', 'rollouts-pod-template-hash');
    const current = thing.text('status', 'currentPodHash');
    if (
      service !== undefined &&
      selected !== undefined &&
      current !== undefined &&
      selected !== current &&
      thing.get('status', 'abort') !== true &&
      phase !== 'Paused'
    )
      drafts.push({
        failure: 'TRA-07',
        id: 'active-service-not-switched',
        boundary: 'traffic',
        title: `the active Service ${service.name} still leads to the old version`,
        confidence: 0.92,
        why: [`It selects the pods of ${selected}; the rollout has made ${current}.`],
        claims: [
          view.about('traffic', service, 'rollouts-pod-template-hash', selected, 'spec', 'selector'),
          view.about('rollout', thing, 'currentPodHash', current, 'status', 'currentPodHash'),
        ],
        misleading: [['all new pods are ready', 'nobody is sent to them']],
        now: [
          'Promote it, or see who else writes the Service.',
          `kubectl argo rollouts promote ${thing.name}${thing.n}`,
        ],
        lasting: ['Verify the switch by what answers.'],
        verify: [`kubectl get service ${service.name}${service.n} -o jsonpath='{.spec.selector}'`],
        space: thing.namespace,
      });
  }
  for (const thing of view.kind('Canary')) {
    if (thing.text('status', 'phase') !== 'Failed') continue;
    drafts.push({
      failure: 'INT-05',
      id: 'rollout-aborted',
      boundary: 'rollout',
      title: `${thing.id} failed: Git asks for the new version, users get the old one`,
      confidence: 0.94,
      why: ['Flagger went back to the primary; Git still asks for what was refused.'],
      claims: [view.about('rollout', thing, 'phase', 'Failed', 'status', 'phase')],
      misleading: [['the sync is green', 'the spec equals Git; the analysis refused it']],
      now: [
        'Go back in Git, or commit a version that is mended.',
        `kubectl describe canary ${thing.name}${thing.n}`,
      ],
      lasting: ['Let a failed canary open the commit that goes back.'],
      verify: [`kubectl get canary ${thing.name}${thing.n}`],
      can: 'rollback',
      space: thing.namespace,
    });
  }
  for (const thing of view.kind('AnalysisRun')) {
    const results = thing.list('status', 'metricResults');
    const measured = results.reduce(
      (sum, item) => sum + (typeof item['successful'] === 'number' ? item['successful'] : 0),
      0,
    );
    const errors = results.reduce(
      (sum, item) => sum + (typeof item['error'] === 'number' ? item['error'] : 0),
      0,
    );
    const phase = thing.text('status', 'phase');
    const hollow = phase === 'Successful' && thing.whole && measured === 0;
    const provider = phase === 'Error' && errors > 0 && measured === 0;
    if (!hollow && !provider) continue;
    drafts.push({
      failure: 'HEA-06',
      id: 'analysis-misleads',
      boundary: 'rollout',
      title: hollow
        ? `${thing.id} is Successful and has measured nothing`
        : `${thing.id} ended because its metrics did not answer, not because the release is bad`,
      confidence: 0.9,
      why: [
        hollow
          ? 'It was ended before it had measured, and an analysis that is ended counts as successful.'
          : `${counted(errors, 'measurement')} failed at the provider; after a few of them in a row the analysis ends as an error and the rollout is aborted.`,
      ],
      claims: [
        view.about('rollout', thing, 'phase', phase ?? '', 'status', 'phase'),
        view.about(
          'rollout',
          thing,
          'measurements',
          `${measured} successful, ${errors} errors`,
          'status',
          'metricResults',
        ),
      ],
      misleading: [[`AnalysisRun ${phase ?? ''}`, 'the phase does not say what was measured']],
      now: [
        'Look at the measurements and run it again; promote or abort with a reason.',
        `kubectl get analysisrun ${thing.name}${thing.n} -o yaml`,
      ],
      lasting: ['Tell apart passed, failed, inconclusive, not run and provider error; keep the samples.'],
      verify: [`kubectl get analysisrun ${thing.name}${thing.n}`],
      space: thing.namespace,
    });
  }
  for (const { text, source } of [
    ...view.world.logs.map(({ message, source: from }) => ({ text: message, source: from })),
    ...view.world.events.map(({ message, source: from }) => ({ text: message, source: from })),
  ]) {
    if (
      !/Halt advancement no values found|reflect: slice index out of range|no values found for (?:custom )?metric|probably not receiving traffic/i.test(
        text,
      )
    )
      continue;
    drafts.push({
      failure: 'HEA-05',
      id: 'no-samples',
      boundary: 'traffic',
      title: 'the metrics of the new version have no samples: its health is not proven',
      confidence: 0.88,
      why: [
        quote(text),
        'No errors seen is not the same as no errors: nobody has asked the new version anything, or its metrics are not found.',
      ],
      claims: [view.claim('traffic', 'analysis', 'message', text, source)],
      misleading: [['no errors', 'of no requests']],
      now: ['Send traffic or mend the labels of the query; leave the verdict open until then.'],
      lasting: ['A least number of samples; none is inconclusive, never a success.'],
      verify: ['kubectl get canaries,analysisruns -A'],
    });
    break;
  }
  return drafts;
}

/** INT-05, TRA-07, HEA-05, HEA-06: what progressive delivery shows of itself. */
export const progressiveRule: WorldRule = (view) => [...progressive(view)];
