import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitAll, createRepository } from '../../src/git/test-support.ts';
import type { Proof } from '../../src/verdict/index.ts';
import { openStage, REGISTRY } from './stage.ts';
import type { Stage } from './stage.ts';

// What counts as proof, by kind of thing: each on a cluster, before and after a new release.
const MINUTE = 60_000;

/** Runs until it is told to end; with MODE=task it does its work and ends. */
const PROGRAM = `
if (process.env.MODE === 'task') process.exit(process.env.RESULT === 'bad' ? 4 : 0);
require('node:http').createServer((request, response) => response.end('ok')).listen(8080);
process.on('SIGTERM', () => process.exit(0));
`;

const VERSIONS = ['1.0.0', '2.0.0'] as const;
type Version = (typeof VERSIONS)[number];

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
  const source = await createRepository(path.join(stage.home, 'kinds'));
  for (const version of VERSIONS) {
    await commitAll(source, {
      'server.js': PROGRAM,
      'package.json': JSON.stringify({ name: 'kinds', version }),
    });
    const built = await stage.run(['image', 'build', source, '-t', `${REGISTRY}/kinds:${version}`]);
    if (built.code !== 0) throw new Error(built.err);
  }
}, 3 * MINUTE);

afterAll(async () => {
  await stage.close();
}, MINUTE);

function container(version: Version, env: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify({
    name: 'main',
    image: `${REGISTRY}/kinds:${version}`,
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
  });
}

function pods(name: string, version: Version): string {
  return `  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { terminationGracePeriodSeconds: 1, containers: [${container(version)}] }
`;
}

function statefulSet(name: string, version: Version, strategy = '{ type: RollingUpdate }'): string {
  return `apiVersion: apps/v1
kind: StatefulSet
metadata: { name: ${name} }
spec:
  replicas: 2
  serviceName: ${name}
  updateStrategy: ${strategy}
${pods(name, version)}`;
}

function daemonSet(name: string, version: Version, strategy = 'RollingUpdate'): string {
  return `apiVersion: apps/v1
kind: DaemonSet
metadata: { name: ${name} }
spec:
  updateStrategy: { type: ${strategy} }
${pods(name, version)}`;
}

function task(version: Version, env: Readonly<Record<string, string>>): string {
  return `{ restartPolicy: Never, containers: [${container(version, { MODE: 'task', ...env })}] }`;
}

/** Commits the manifest of an application, and registers it the first time. */
async function release(name: string, manifest: string, first: boolean): Promise<string> {
  const commit = await stage.commit({
    [`${name}/kustomization.yaml`]: `namespace: ${name}\nresources: [all.yaml]\n`,
    [`${name}/all.yaml`]: manifest,
  });
  if (first) await stage.deliver(name, { path: name });
  else await stage.refresh(name);
  return commit;
}

async function proof(name: string, commit: string, wait = '60s'): Promise<Proof> {
  return (await stage.prove(name, ['--revision', commit, '--wait', wait])).proof;
}

function stateOf({ boundaries }: Proof, boundary: string): string {
  const found = boundaries.find((each) => each.boundary === boundary);
  return `${found?.state ?? 'absent'}: ${found?.headline ?? ''} ${found?.detail ?? ''}`;
}

async function lands(name: string, commit: string): Promise<Proof> {
  const found = await proof(name, commit);
  expect(found.verdict.summary, JSON.stringify(found.boundaries, undefined, 1)).toBe('landed');
  return found;
}

describe('has landed, in the first release and in the next:', () => {
  it.each([
    ['a StatefulSet', 'state', (version: Version) => statefulSet('state', version)],
    ['a DaemonSet', 'every', (version: Version) => daemonSet('every', version)],
  ])(
    '%s',
    async (_, name, manifest) => {
      const first = await lands(name, await release(name, manifest('1.0.0'), true));
      const next = await lands(name, await release(name, manifest('2.0.0'), false));
      expect(stateOf(next, 'rollout')).toMatch(/^proven/);
      expect(stateOf(next, 'rollout')).not.toBe(stateOf(first, 'rollout'));
    },
    3 * MINUTE,
  );

  it(
    'a CronJob that has not run yet, and configuration alone, which have no rollout',
    async () => {
      const cron = `apiVersion: batch/v1
kind: CronJob
metadata: { name: nightly }
spec:
  schedule: "0 3 1 1 *"
  jobTemplate: { spec: { template: { spec: ${task('1.0.0', {})} } } }
`;
      const later = await lands('nightly', await release('nightly', cron, true));
      expect(stateOf(later, 'rollout')).toMatch(/^not-applicable/);
      const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { a: "1" }\n';
      const settings = await lands('settings', await release('settings', map, true));
      expect(stateOf(settings, 'rollout')).toMatch(/^not-applicable/);
    },
    2 * MINUTE,
  );

  it(
    'a Job that is complete; one that failed is broken at health',
    async () => {
      const job = (name: string, result: string) => `apiVersion: batch/v1
kind: Job
metadata: { name: ${name} }
spec: { backoffLimit: 0, template: { spec: ${task('1.0.0', { RESULT: result })} } }
`;
      await lands('done', await release('done', job('done', 'good'), true));
      const failed = await proof('failed', await release('failed', job('failed', 'bad'), true), '40s');
      expect(failed.verdict.summary).toBe('stopped at health');
    },
    2 * MINUTE,
  );
});

describe('is never proven by count:', () => {
  it.each([
    [
      'a StatefulSet with a partition',
      'part',
      (version: Version) =>
        statefulSet('part', version, '{ type: RollingUpdate, rollingUpdate: { partition: 1 } }'),
    ],
    [
      'a StatefulSet that waits for its pods to be deleted',
      'manual',
      (version: Version) => statefulSet('manual', version, '{ type: OnDelete }'),
    ],
    [
      'a DaemonSet that waits for its pods to be deleted',
      'byhand',
      (version: Version) => daemonSet('byhand', version, 'OnDelete'),
    ],
  ])(
    '%s',
    async (_, name, manifest) => {
      await lands(name, await release(name, manifest('1.0.0'), true));
      const found = await proof(name, await release(name, manifest('2.0.0'), false), '8s');
      expect(stateOf(found, 'rollout')).toMatch(/^(?:moving|unknown)/);
      expect(found.verdict.summary).not.toBe('landed');
      expect(stateOf(found, 'health')).not.toMatch(/^broken/);
    },
    2 * MINUTE,
  );
});
