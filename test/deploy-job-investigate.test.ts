import { execFile, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createJobRepository, platformManifests } from '../examples/deploy-job/repository.ts';
import type { JobRepository } from '../examples/deploy-job/repository.ts';
import { startCluster } from '../src/drydock/index.ts';
import type { Cluster } from '../src/drydock/index.ts';
import { artifactOf, investigate } from '../src/investigate/index.ts';
import { newPerson } from './cli/terminal.ts';
import type { Person } from './cli/terminal.ts';

const present = spawnSync('kubectl', ['version', '--client']).status === 0;

/** The pipeline around the job: production tells the team when it fails, staging tells nobody. */
const PIPELINE = `on: push
jobs:
  deploy-staging:
    environment: staging
    runs-on: ubuntu-latest
    steps:
      - run: ./deploy-job.sh staging
  deploy-production:
    environment: production
    runs-on: ubuntu-latest
    steps:
      - run: ./deploy-job.sh production
      - if: failure()
        uses: slackapi/slack-github-action@v1
        with: {channel-id: deploys}
`;

/** What the deploy job and stock kubectl print, recorded from a cluster that refuses one of the manifests. */
describe.skipIf(!present && process.env['CI'] === undefined)(
  'the deploy job that failed and deployed',
  () => {
    let cluster: Cluster;
    let person: Person;
    let repository: JobRepository;
    let env: Record<string, string>;
    let files: Readonly<Record<string, string>>;

    /** Output and errors of a program as a terminal shows them, whether it fails or not. */
    async function shown(program: string, ...args: readonly string[]): Promise<string> {
      return new Promise((resolve) => {
        execFile(program, args, { env, cwd: repository.folder }, (_error, out, err) => {
          resolve(`$ ${[program, ...args].join(' ')}\n${out}${err}`);
        });
      });
    }

    beforeAll(async () => {
      person = await newPerson();
      cluster = await startCluster({ nodes: 1, workDir: path.join(person.home, 'cluster') });
      const kubeconfig = path.join(person.home, 'kubeconfig');
      await cluster.writeKubeconfig(kubeconfig);
      env = { HOME: person.home, KUBECONFIG: kubeconfig, PATH: process.env['PATH'] ?? '' };
      repository = await createJobRepository(
        path.join(person.folder, 'checkout'),
        new AbortController().signal,
      );
      await shown('kubectl', 'apply', '-f', platformManifests);
      await shown('sh', 'deploy-job.sh', 'staging');
      await repository.releaseTwo();
      const job = `${await shown('sh', 'deploy-job.sh', 'staging')}ERROR: Job failed: exit code 1\n`;
      const n = ['-n', 'checkout-staging'] as const;
      await shown('kubectl', 'rollout', 'status', 'deployment/checkout', ...n, '--timeout=60s');
      files = {
        'staging-job.log': job,
        'combined-staging.yaml': await readFile(
          path.join(repository.folder, 'combined-staging.yaml'),
          'utf8',
        ),
        'get.txt': [
          await shown('kubectl', 'get', 'deployments,replicasets,pods,services', ...n, '-o', 'wide'),
          await shown('kubectl', 'get', 'resourcequota', ...n),
        ].join('\n'),
        'describe.txt': await shown('kubectl', 'describe', 'deployment', 'checkout', ...n),
        'events.txt': await shown('kubectl', 'get', 'events', ...n),
      };
    }, 120_000);

    afterAll(async () => {
      await cluster?.close();
      await person?.leave();
    });

    const answerOf = (all: Readonly<Record<string, string>>) => {
      const opened = Object.entries(all).map(([name, text]) => artifactOf(name, text));
      return investigate(
        opened.flatMap(({ artifacts }) => artifacts),
        opened.flatMap(({ unread }) => unread),
      );
    };

    it('names the refused object, its line, and why it was refused', () => {
      const answer = answerOf(files);
      expect(answer.verdict).toMatchObject({ state: 'broken', boundary: 'sync' });
      expect(answer.findings[0]).toMatchObject({ id: 'quota-exceeded', boundary: 'sync' });
      expect(answer.findings[0]?.title).toContain('checkout-metrics');
      const part = answer.findings.find(({ id }) => id === 'applied-in-part');
      const line = files['combined-staging.yaml']
        ?.split('\n')
        .findIndex((text) => text.includes('checkout-metrics'));
      const cited = part?.claims.find(({ source }) => source.artifact === 'combined-staging.yaml')?.source;
      // The first line of the object; its name stands a few lines below.
      expect(cited?.line).toBeGreaterThan(1);
      expect((line ?? 0) + 1 - (cited?.line ?? 0)).toBeLessThan(4);
      expect((line ?? 0) + 1 - (cited?.line ?? 0)).toBeGreaterThanOrEqual(0);
    });

    it('says that the rest was written, and that the new version runs', () => {
      const part = answerOf(files).findings.find(({ id }) => id === 'applied-in-part');
      const text = part?.explanation.join('\n') ?? '';
      expect(text).toContain('deployment.apps/checkout configured');
      expect(text).toContain('runs registry.corp.io/checkout:2.0.0');
      expect(part?.misleading.map(({ signal }) => signal)).toContain('the job failed');
    });

    it('says that staging was silent, where the pipeline shows it', () => {
      const findings = answerOf({ ...files, 'deploy.yml': PIPELINE }).findings;
      expect(findings.find(({ id }) => id === 'environment-untold')).toMatchObject({ kind: 'risk' });
      const loud = PIPELINE.replace(
        './deploy-job.sh staging\n',
        './deploy-job.sh staging\n      - {if: failure(), uses: slackapi/slack-github-action@v1}\n',
      );
      expect(answerOf({ ...files, 'deploy.yml': loud }).findings.map(({ id }) => id)).not.toContain(
        'environment-untold',
      );
    });

    it('calls the job that went through healthy', async () => {
      await shown('kubectl', 'delete', 'resourcequota', 'services', '-n', 'checkout-staging');
      const job = await shown('sh', 'deploy-job.sh', 'staging');
      const answer = answerOf({ ...files, 'staging-job.log': job, 'get.txt': files['get.txt'] ?? '' });
      expect(job).toContain('checkout-metrics created');
      expect(answer.verdict.state).not.toBe('broken');
      expect(answer.findings.filter(({ kind }) => kind === 'cause')).toEqual([]);
    });
  },
);
