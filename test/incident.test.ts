import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { valueOf } from '../src/boundaries/index.ts';
import { APPLICATION, openStage, PLATFORM, REGISTRY } from '../src/cli/demo/stage.ts';
import type { Stage } from '../src/cli/demo/stage.ts';
import { questionOf, rememberErrors } from '../src/cli/question.ts';
import { runGit } from '../src/git/index.ts';
import { sleep, systemClock } from '../src/kernel/index.ts';
import { loadKubeClient } from '../src/kube/index.ts';
import { openLedger } from '../src/ledger/index.ts';
import type { Ledger } from '../src/ledger/index.ts';
import { pinImage } from '../src/pipeline/index.ts';
import { prove, proveUntil, traceImage } from '../src/verdict/index.ts';
import type { Look, Proof } from '../src/verdict/index.ts';
import { openTcpGate } from './tcp-gate.ts';

// One cluster, one story, in order: each test starts where the one before it ended.
const IMAGE = `${REGISTRY}/notification-service`;
const OVERLAY = 'k8s/overlays/prod/kustomization.yaml';
const MINUTE = 60_000;

let stage: Stage;
let ledger: Ledger;
const stop = new AbortController();
const { signal } = stop;

function stateOf(proof: Proof, boundary: string): string | undefined {
  return proof.boundaries.find((report) => report.boundary === boundary)?.state;
}

async function look(): Promise<Look> {
  const found = await prove(
    stage.sources,
    questionOf({ application: APPLICATION }, stage.sources, ledger),
    signal,
  );
  await rememberErrors(found.material, found.proof, ledger);
  return found;
}

async function wait(): Promise<Look> {
  return proveUntil(
    stage.sources,
    questionOf({ application: APPLICATION }, stage.sources, ledger),
    MINUTE,
    signal,
  );
}

/** Commits another text of a file of the deployment repository, and lets the controller see it. */
async function edit(file: string, message: string, change: (text: string) => string): Promise<void> {
  const mirror = stage.sources.git.open(stage.repositories.deployment.folder);
  const tip = (await mirror.resolve('main', signal)).commit;
  const text = Buffer.from((await mirror.tree(tip).readFile(file)) ?? new Uint8Array()).toString('utf8');
  const author = { name: 'T', email: 't@corp.io' };
  const files = { [file]: change(text) };
  await mirror.commit({ branch: 'main', expectParent: tip, files, message, author }, signal);
  await stage.refresh(APPLICATION);
}

async function pin(newTag: string, digest: string): Promise<void> {
  await edit(OVERLAY, `Deploy ${newTag}`, (text) =>
    pinImage({ text, file: OVERLAY, image: IMAGE, newTag, digest }),
  );
}

beforeAll(async () => {
  // One node more than pods, so that a pod can be made where no copy of the image is.
  stage = await openStage({ clock: systemClock, signal, nodes: 4 });
  ledger = openLedger({ folder: path.join(stage.folder, 'state'), clock: systemClock });
}, MINUTE);

afterAll(async () => {
  stop.abort();
  await ledger.close();
  await stage.close();
}, MINUTE);

describe('the deploy that did not deploy', () => {
  it('lands 2.3.1, with the tag as a risk and not as a fault', { timeout: 2 * MINUTE }, async () => {
    await stage.build('v2.3.1');
    await stage.register(PLATFORM);
    await stage.register(APPLICATION);
    const { proof } = await wait();
    expect(proof.verdict.summary).toBe('landed');
    expect(proof.boundaries.every((report) => report.state === 'proven')).toBe(true);
    expect(proof.release).toMatchObject({
      version: '2.3.1',
      commit: stage.repositories.app.releases[0]?.commit,
    });
    expect(proof.findings.map((finding) => finding.id)).toEqual(['mutable-reference']);
    expect(proof.engine).toMatchObject({ sync: 'Synced', health: 'Healthy' });
  });

  it(
    'stops 2.5.0 at intent while the controller says Synced and Healthy and updates nothing',
    { timeout: 2 * MINUTE },
    async () => {
      // The pods have to be clearly older than the push for their times to mean anything.
      for (;;) {
        const { material } = await look();
        const sms = material.observed
          .flatMap((observed) => (observed.errors?.state === 'read' ? observed.errors.value : []))
          .find((share) => share.group === 'channel=sms');
        if ((sms?.total ?? 0) >= 100) break;
        await sleep(systemClock, 200, signal);
      }
      const { digest } = await stage.build('v2.5.0');
      await stage.sync(APPLICATION);
      const { proof } = await look();
      expect(proof.verdict).toMatchObject({
        summary: 'stopped at intent',
        consequences: ['rollout', 'traffic'],
      });
      expect(['artifact', 'render', 'sync', 'live', 'health'].map((name) => stateOf(proof, name))).toEqual(
        Array.from({ length: 5 }, () => 'proven'),
      );
      expect(proof.release).toMatchObject({ version: '2.5.0', digest });
      expect(proof.engine).toMatchObject({
        sync: 'Synced',
        health: 'Healthy',
        operation: { phase: 'Succeeded', changed: 0, unchanged: 3 },
      });
      const [finding] = proof.findings;
      expect(finding).toMatchObject({ id: 'mutable-reference-moved', kind: 'cause' });
      expect(finding?.explanation.join(' ')).toContain('whatever the pull policy (stored: IfNotPresent)');
      expect(finding?.explanation.join(' ')).toContain(`${OVERLAY}:8`);
      const signals = finding?.misleading.map((item) => item.signal).join('; ');
      for (const part of ['Synced', 'Healthy', '0 updated, 3 unchanged', '3/3 ready', 'of all requests fail'])
        expect(signals).toContain(part);
      const trace = traceImage(proof.boundaries, IMAGE);
      expect(trace.rows.find((row) => row.boundary === 'artifact')?.value).toBe(`${IMAGE}@${digest}`);
      expect(trace.rows.find((row) => row.boundary === 'rollout')).toMatchObject({
        verdict: 'differs',
        count: '3 pods',
      });
      expect(trace.rows.find((row) => row.boundary === 'traffic')?.value).toContain('version 2.3.1');
    },
  );

  it('tells one pod of three that runs another digest', { timeout: 2 * MINUTE }, async () => {
    const { kube } = stage.sources;
    const { material: before } = await look();
    const pods = before.rollouts.flatMap((one) => (one.pods.state === 'read' ? one.pods.value.current : []));
    const nodes = [...new Set(pods.flatMap((pod) => pod.node ?? []))];
    const cordon = (unschedulable: boolean) =>
      Promise.all(
        nodes.map((name) =>
          kube.patch(
            { apiVersion: 'v1', kind: 'Node', name },
            'merge',
            { spec: { unschedulable } },
            {},
            signal,
          ),
        ),
      );
    await cordon(true);
    await kube.delete(
      { apiVersion: 'v1', kind: 'Pod', namespace: 'comms', name: pods[0]?.name ?? '' },
      {},
      signal,
    );
    // Only a node without a copy is left, and latest is 2.5.0 by now.
    for (;;) {
      const { material, proof } = await look();
      const digests = material.rollouts.flatMap((one) => one.checks.map((check) => check.digest));
      if (digests.length === 3 && new Set(digests).size === 2 && stateOf(proof, 'health') === 'proven') break;
      await sleep(systemClock, 200, signal);
    }
    await cordon(false);
    const { proof } = await look();
    expect(proof.verdict.summary).toBe('stopped at intent');
    const rollout = traceImage(proof.boundaries, IMAGE).rows.filter((row) => row.boundary === 'rollout');
    expect(rollout.map((row) => [row.count, row.verdict])).toEqual([
      ['2 pods', 'differs'],
      ['1 pod', 'agrees'],
    ]);
    expect(proof.boundaries.find((report) => report.boundary === 'traffic')?.detail).toContain(
      'on 2 of 3 pods',
    );
  });

  it(
    'finds the node cache at work when pods are created after the push',
    { timeout: 2 * MINUTE },
    async () => {
      const { kube } = stage.sources;
      // Clocks of CI and cluster may differ by five seconds before their times mean anything.
      await sleep(systemClock, 5_500, signal);
      const restartedAt = new Date().toISOString();
      // What `kubectl rollout restart` writes; the controller heals only fields that Git asks for.
      await kube.patch(
        { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'comms', name: 'notification-service' },
        'strategic',
        {
          spec: {
            template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': restartedAt } } },
          },
        },
        {},
        signal,
      );
      const recreated = async (): Promise<Proof> => {
        for (;;) {
          const { material, proof } = await look();
          const pods = material.rollouts.flatMap((one) =>
            one.pods.state === 'read' ? one.pods.value.current : [],
          );
          const old = material.rollouts.flatMap((one) =>
            one.pods.state === 'read' ? one.pods.value.old : [],
          );
          const fresh =
            old.length === 0 &&
            pods.length === 3 &&
            pods.every((pod) => pod.createdAt >= restartedAt.slice(0, 19));
          if (fresh && proof.boundaries.every((report) => report.state !== 'moving')) return proof;
          await sleep(systemClock, 200, signal);
        }
      };
      const proof = await recreated();
      expect(proof.verdict.summary).toBe('stopped at intent');
      const [finding] = proof.findings;
      expect(finding?.id).toBe('mutable-reference-moved');
      expect(finding?.explanation.join(' ')).toContain('takes the copy that it has under that name');
      expect(finding?.immediateFix.text).toContain('would not mend it');
    },
  );

  it.each<[string, Parameters<Stage['cluster']['registry']['fail']>[0]['effect'], string, string]>([
    ['answers 401', { type: 'status', status: 401 }, 'unknown', 'unproven'],
    ['answers 500', { type: 'status', status: 500 }, 'unknown', 'unproven'],
    ['answers 429', { type: 'status', status: 429, retryAfterSeconds: 1 }, 'unknown', 'unproven'],
    ['cuts the connection', { type: 'reset' }, 'unknown', 'unproven'],
    ['answers 404', { type: 'status', status: 404 }, 'broken', 'broken'],
  ])(
    'is not green, and red only for a real answer, when the registry %s',
    { timeout: MINUTE },
    async (_name, effect, artifact, verdict) => {
      const lift = stage.cluster.registry.fail({
        effect,
        times: Number.POSITIVE_INFINITY,
        repository: 'notification-service',
        reference: 'latest',
      });
      try {
        const { proof } = await look();
        expect([stateOf(proof, 'artifact'), proof.verdict.state]).toEqual([artifact, verdict]);
        expect(proof.boundaries.find((report) => report.boundary === 'artifact')?.detail).not.toBe('');
      } finally {
        lift();
      }
    },
  );

  it('lands once tag and digest are in Git, and SMS fail no more', { timeout: 2 * MINUTE }, async () => {
    const { proof: before } = await look();
    await pin('2.5.0', before.release.digest ?? '');
    const { proof, material } = await wait();
    expect(proof.verdict.summary).toBe('landed');
    expect(proof.findings).toEqual([]);
    const shares = material.observed.flatMap((observed) =>
      observed.errors?.state === 'read' ? observed.errors.value : [],
    );
    const sms = shares.find((share) => share.group === 'channel=sms');
    expect((sms?.failed ?? 1) / (sms?.total ?? 1)).toBeLessThan(0.1);
    expect(valueOf(material.baseline)?.shares.find((share) => share.group === 'channel=sms')).toSatisfy(
      (share: { failed: number; total: number }) => share.failed / share.total > 0.25,
    );
  });

  it('still proves a pinned digest by the pods when the registry is away', { timeout: MINUTE }, async () => {
    const lift = stage.cluster.registry.fail({
      effect: { type: 'status', status: 503 },
      times: Number.POSITIVE_INFINITY,
    });
    try {
      const { proof } = await look();
      expect(stateOf(proof, 'artifact')).toBe('proven');
      expect(stateOf(proof, 'rollout')).toBe('proven');
      expect(proof.verdict.state).not.toBe('broken');
    } finally {
      lift();
    }
  });

  it('is neither green nor red when the cluster goes away in the middle', { timeout: MINUTE }, async () => {
    const { hostname, port } = new URL(stage.cluster.url);
    const gate = await openTcpGate({ host: hostname, port: Number(port) });
    const config = path.join(stage.folder, 'kubeconfig-gate');
    const text = await readFile(stage.kubeconfig, 'utf8');
    await writeFile(config, text.replaceAll(stage.cluster.url, `https://127.0.0.1:${gate.port}`));
    const kube = await loadKubeClient({ kubeconfig: config, clock: systemClock });
    try {
      const sources = { ...stage.sources, kube };
      const question = questionOf(
        { application: APPLICATION, onProgress: (step) => (step === 'cluster' ? gate.shut() : undefined) },
        sources,
        ledger,
      );
      const { proof } = await prove(sources, question, signal);
      expect(proof.verdict.state).toBe('unproven');
      expect(proof.boundaries.filter((report) => report.state === 'broken')).toEqual([]);
    } finally {
      kube.close();
      await gate.close();
    }
  });

  it(
    'stops at traffic when a pod of somebody else stands behind the Service',
    { timeout: MINUTE },
    async () => {
      const { kube } = stage.sources;
      const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'comms', name: 'left-behind' };
      await kube.create(
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: pod.name, namespace: 'comms', labels: { app: 'notification-service' } },
          spec: {
            containers: [
              {
                name: 'notifier',
                image: `${IMAGE}:2.3.1`,
                ports: [{ name: 'http', containerPort: 8080 }],
                envFrom: [{ configMapRef: { name: 'notification-settings' } }],
              },
            ],
          },
        },
        {},
        signal,
      );
      try {
        for (;;) {
          const { proof } = await look();
          if (proof.verdict.state === 'broken') {
            expect(proof.verdict.summary).toBe('stopped at traffic');
            expect(proof.boundaries.find((report) => report.boundary === 'traffic')?.reason).toBe(
              'foreign-endpoints',
            );
            break;
          }
          await sleep(systemClock, 200, signal);
        }
      } finally {
        await kube.delete(pod, { gracePeriodSeconds: 1 }, signal);
      }
    },
  );

  it(
    'stops at rollout when the configuration changes and no pod reads it',
    { timeout: 2 * MINUTE },
    async () => {
      // Nodes and the API server may be seconds apart: younger containers decide nothing.
      for (;;) {
        const claims = (await look()).proof.boundaries.flatMap((report) => report.claims);
        const created = claims.filter((claim) => claim.attribute === 'createdAt');
        if (created.every(({ value }) => Date.parse(value) < systemClock.now() - 20_000)) break;
        await sleep(systemClock, 500, signal);
      }
      await edit('k8s/base/configmap.yaml', 'Set ADDED', (text) => `${text.trimEnd()}\n  ADDED: 'yes'\n`);
      const { proof } = await wait();
      expect(proof.verdict.summary).toBe('stopped at rollout');
      expect(proof.boundaries.find((report) => report.boundary === 'rollout')).toMatchObject({
        reason: 'configuration-stale',
      });
      expect(stateOf(proof, 'live')).toBe('proven');
    },
  );

  it('stops at traffic when the version endpoint lies', { timeout: 2 * MINUTE }, async () => {
    const { folder } = stage.repositories.app;
    const [name, email] = ['T', 't@corp.io'];
    const author = { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email };
    const identity = { ...author, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
    const file = path.join(folder, 'build-info.js');
    await writeFile(
      file,
      `${await readFile(file, 'utf8')}\n`.replace(
        /return \{/,
        'return { version: "9.9.9", commit: "0000000", buildDate: "never" };\n  return {',
      ),
    );
    await runGit('Committing the lie', ['commit', '--quiet', '--all', '--message', 'Tell another version'], {
      cwd: folder,
      signal,
      env: identity,
    });
    const lie = await stage.build('main');
    await pin('2.5.0', lie.digest);
    const { proof } = await wait();
    expect(proof.verdict.summary).toBe('stopped at traffic');
    expect(proof.boundaries.find((report) => report.boundary === 'traffic')).toMatchObject({
      reason: 'wrong-version',
      headline: '9.9.9',
    });
    expect(stateOf(proof, 'rollout')).toBe('proven');
  });
});
