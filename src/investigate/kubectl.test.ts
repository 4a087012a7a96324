import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterFixture, program, WEB } from '../drydock/cluster/cluster-fixture.ts';
import type { ClusterFixture } from '../drydock/cluster/cluster-fixture.ts';
import { investigate } from './answer.ts';
import { artifactOf } from './open.ts';

const present = spawnSync('kubectl', ['version', '--client']).status === 0;

function deployment(name: string, image: string, container = ''): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop, labels: {app: ${name}}}
spec:
  replicas: 1
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: main, image: "registry.corp.io/${image}", ${container}}]}
---
`;
}

const MANIFEST = `${deployment('good', 'web:1.0.0', 'ports: [{containerPort: 8080}]')}${deployment('crasher', 'crash:1.0.0')}${deployment('absent', 'web:9.9.9')}${deployment('huge', 'web:1.0.0', 'resources: {requests: {cpu: "900"}}')}${deployment('unset', 'web:1.0.0', 'envFrom: [{configMapRef: {name: gone}}]')}apiVersion: v1
kind: Service
metadata: {name: good, namespace: shop}
spec: {selector: {app: goood}, ports: [{port: 80, targetPort: 8080}]}
`;

/** What stock kubectl prints of a real cluster, as somebody would paste it. */
describe.skipIf(!present && process.env['CI'] === undefined)('outputs of stock kubectl', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'landfall-kubectl-'));
  const config = path.join(folder, 'config');
  let fixture: ClusterFixture;

  async function kubectl(command: string, input?: string): Promise<string> {
    return new Promise((resolve) => {
      const child = execFile(
        'kubectl',
        ['--kubeconfig', config, ...command.split(' ')],
        (_error, out, err) => {
          resolve(out + err);
        },
      );
      child.stdin?.end(input ?? '');
    });
  }

  async function pasted(...commands: readonly string[]): Promise<string> {
    const parts: string[] = [];
    for (const command of commands) parts.push(`$ kubectl ${command}\n${await kubectl(command)}`);
    return parts.join('');
  }

  beforeAll(async () => {
    fixture = await clusterFixture();
    await fixture.cluster.writeKubeconfig(config);
    await fixture.push('web', '1.0.0', WEB);
    await fixture.push('crash', '1.0.0', program(`console.error('FATAL no STRIPE_KEY'); process.exit(1)`));
    await kubectl('create namespace shop');
    await kubectl('apply -f -', MANIFEST);
    for (const [name, shown] of [
      ['good', /1\/1/],
      ['crasher', /CrashLoopBackOff/],
      ['absent', /ImagePull|ErrImage/],
      ['huge', /Pending/],
      ['unset', /CreateContainerConfigError/],
    ] as const)
      await fixture.until(name, async () => shown.test(await kubectl(`get pods -n shop -l app=${name}`)));
  }, 30_000);
  afterAll(async () => {
    await fixture.close();
    rmSync(folder, { recursive: true });
  });

  const look = (name: string) => [
    `get deploy ${name} -n shop -o wide`,
    `get pods -n shop -l app=${name} -o wide`,
    `describe deploy ${name} -n shop`,
    `describe pods -n shop -l app=${name}`,
  ];

  it.each([
    ['crasher', /ends again|CrashLoopBackOff/],
    ['absent', /9\.9\.9/],
    ['huge', /cpu/],
    ['unset', /gone/],
  ])('%s: names the cause', async (name, words) => {
    const answer = investigate(artifactOf('out.txt', await pasted(...look(name))).artifacts);
    expect(answer.verdict.state).toBe('broken');
    expect(
      answer.findings
        .slice(0, 3)
        .map(({ title }) => title)
        .join('\n'),
    ).toMatch(words);
    expect(answer.unread).toEqual([]);
  });

  it('names the Service that selects nothing', async () => {
    const text = await pasted(
      'get svc,endpoints -n shop -o wide',
      'describe svc good -n shop',
      'get pods -n shop -l app=good --show-labels',
    );
    const answer = investigate(artifactOf('out.txt', text).artifacts);
    expect(answer.verdict).toMatchObject({ state: 'broken', boundary: 'traffic' });
    expect(answer.findings[0]?.title).toContain('good');
  });

  it('does not call the healthy one broken', async () => {
    const answer = investigate(
      artifactOf('out.txt', await pasted(...look('good'), 'rollout status deploy/good -n shop')).artifacts,
    );
    expect(answer.verdict.state).not.toBe('broken');
    expect(answer.findings.filter(({ kind }) => kind === 'cause')).toEqual([]);
  });
});
