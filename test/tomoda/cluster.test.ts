import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_HOST, PROD_IMAGE, startLoad } from '../../examples/tomoda/index.ts';
import { openShell, programs } from './shell.ts';
import type { Shell } from './shell.ts';

const MINUTE = 60_000;
const IMAGE = `-o=jsonpath={.spec.template.spec.containers[0].image}`;
const OVERLAY = 'k8s/apps/tomoda/overlays/prod/kustomization.yaml';
let shell: Shell;

// What the document says of prod, before anything is delivered by a pipeline: verification, disruption, health checks.
describe.skipIf(!programs)('tomoda in prod (skipped where kubectl or curl is not installed)', () => {
  beforeAll(async () => {
    shell = await openShell();
    await shell.stage.register('prod-tomoda');
    const proven = await shell.ask('prove', 'prod-tomoda', '--wait', '3m');
    expect(proven).toMatchObject({ code: 0, json: { verdict: { summary: 'landed' } } });
  }, 5 * MINUTE);
  afterAll(() => shell.close());

  it('answers every verification command of the document', { timeout: 3 * MINUTE }, async () => {
    const { kubectl, curl } = shell;
    for (const name of ['tomoda-api', 'tomoda-async']) {
      expect(await kubectl('rollout', 'status', `deployment/${name}`, '-n', 'prod')).toMatchObject({
        code: 0,
        out: `deployment "${name}" successfully rolled out\n`,
      });
      const image = await kubectl('get', 'deploy', name, '-n', 'prod', IMAGE);
      expect(image.out).toMatch(new RegExp(`^${PROD_IMAGE}:v1\\.0\\.0@sha256:[0-9a-f]{64}$`));
    }
    const health = await curl(API_HOST);
    expect(health).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(health.out)).toEqual({
      status: 'ok',
      mode: 'api',
      version: '1.0.0',
      commit: shell.stage.repositories.firstCommit,
    });
  });

  it('refuses to drain a node while one replica has a budget of one', { timeout: 3 * MINUTE }, async () => {
    const { kubectl } = shell;
    const node = (
      await kubectl(
        'get',
        'pod',
        '-n',
        'prod',
        '-l',
        'app=tomoda-api',
        '-o=jsonpath={.items[0].spec.nodeName}',
      )
    ).out;
    const drain = await kubectl(
      'drain',
      node,
      '--ignore-daemonsets',
      '--delete-emptydir-data',
      '--timeout=3s',
      '--pod-selector=app=tomoda-api',
    );
    expect(drain.code).not.toBe(0);
    expect(drain.err).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    expect(
      (await kubectl('get', 'pdb', 'tomoda-api', '-n', 'prod', '-o=jsonpath={.status.disruptionsAllowed}'))
        .out,
    ).toBe('0');
    await kubectl('uncordon', node);
  });

  it(
    'says so before the merge and after the delivery, with what to do first',
    { timeout: MINUTE },
    async () => {
      const { stage } = shell;
      const advice = 'Before maintenance of a node scale to 2 in Git, and drain when that has landed.';
      const overlay = path.join(stage.repositories.devops.clone, stage.repositories.overlays['prod-tomoda']);
      const checked = await stage.run(['check', overlay]);
      expect(checked.code).toBe(0);
      expect(checked.out).toContain(
        'PodDisruptionBudget/prod/tomoda-api never lets a pod of tomoda-api go: minAvailable 1 of 1',
      );
      expect(checked.out.replaceAll(/\s+/g, ' ')).toContain(advice);
      const explained = (await stage.run(['explain', 'prod-tomoda'])).out.replaceAll(/\s+/g, ' ');
      expect(explained).toContain(advice);
      expect(explained).toContain('the Deployment keeps the old pods until new ones are ready');
    },
  );

  /** Changes the overlay of prod as people do, and waits until that commit has landed. */
  async function edit(change: (text: string) => string, message: string): Promise<void> {
    const { repositories } = shell.stage;
    const commit = await repositories.edit(repositories.devops, OVERLAY, change, message);
    const proven = await shell.ask('prove', 'prod-tomoda', '--revision', commit, '--wait', '3m');
    expect(proven).toMatchObject({ code: 0, json: { verdict: { summary: 'landed' } } });
  }

  it(
    'syncs a manifest that is edited directly, and rolls one replica without a lost request',
    { timeout: 5 * MINUTE },
    async () => {
      const { kubectl, stage } = shell;
      const podsOf = async () =>
        (await kubectl('get', 'pod', '-n', 'prod', '-l', 'app=tomoda-api', '-o=name')).out.trim();
      const before = await podsOf();
      const load = startLoad(await stage.ingress(API_HOST));
      await edit(
        (text) =>
          `${text}patches:\n  - target: { kind: Deployment }\n    patch: |\n      - { op: add, path: /spec/template/metadata/annotations, value: { tomoda.life/round: "2" } }\n`,
        'Start both pools anew',
      );
      const { why, requests } = await load.stop();
      expect(why).toEqual([]);
      expect(requests).toBeGreaterThan(50);
      expect(await podsOf()).not.toBe(before);
    },
  );

  it(
    'would lose requests under the same budget if the Deployment let the old pod go first',
    { timeout: 5 * MINUTE },
    async () => {
      const load = startLoad(await shell.stage.ingress(API_HOST));
      const strategy =
        '{ op: add, path: /spec/strategy, value: { rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } }';
      await edit(
        (text) => text.replace('round: "2" } }', `round: "3" } }\n      - ${strategy}`),
        'Let the old pod go before the new one is ready',
      );
      const { lost, why } = await load.stop();
      await edit((text) => text.replace(`\n      - ${strategy}`, ''), 'Take that back');
      expect(lost).toBeGreaterThan(0);
      expect(why[0]).toContain('503');
    },
  );

  it(
    'drains the node once there are two replicas, and not one request is lost',
    { timeout: 5 * MINUTE },
    async () => {
      const { kubectl, stage } = shell;
      await edit(
        (text) => `${text}replicas:\n  - name: tomoda-api\n    count: 2\n`,
        'Run two replicas for the maintenance of a node',
      );
      const node = (
        await kubectl(
          'get',
          'pod',
          '-n',
          'prod',
          '-l',
          'app=tomoda-api',
          '-o=jsonpath={.items[0].spec.nodeName}',
        )
      ).out;
      const load = startLoad(await stage.ingress(API_HOST));
      const drain = await kubectl(
        'drain',
        node,
        '--ignore-daemonsets',
        '--timeout=120s',
        '--pod-selector=app=tomoda-api',
      );
      const { why, requests } = await load.stop();
      await kubectl('uncordon', node);
      expect(drain).toMatchObject({ code: 0 });
      expect(drain.out).toContain('evicted');
      expect(why).toEqual([]);
      expect(requests).toBeGreaterThan(20);
    },
  );
});
