import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChangeReport } from '../../src/pipeline/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// What a rollback says before it starts: that the API server would not take it, and who might undo it.
const MINUTE = 60_000;
const STAGING = 'apps/payment-api/overlays/staging';

let lab: Lab;

function settings(value: string, more = ''): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\n${more}data: { mode: ${value} }\n`;
}

async function rollback(...args: readonly string[]) {
  const { code, out, err } = await lab.run(
    ['rollback', 'payment-api-staging', '--dry-run', ...args, '-o', 'json'],
    { cwd: lab.repository },
  );
  if (out === '') throw new Error(`no answer: ${err}`);
  return { code, report: JSON.parse(out) as ChangeReport };
}

async function settled(): Promise<void> {
  await lab.refresh('payment-api-staging');
  const { proof } = await lab.prove('payment-api-staging', ['--wait', '60s']);
  expect(proof.verdict.summary, JSON.stringify(proof.boundaries, undefined, 1)).toBe('landed');
}

const UPDATER = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'argocd', name: 'updater' } as const;
const APPLICATION = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  namespace: 'argocd',
  name: 'payment-api-staging',
} as const;

beforeAll(async () => {
  lab = await openLab();
  await lab.onboard({ [`${STAGING}/settings.yaml`]: settings('old') });
  const kustomization = (await lab.read(`${STAGING}/kustomization.yaml`)).replace(
    'resources:\n',
    'resources:\n  - settings.yaml\n',
  );
  await lab.commit({ [`${STAGING}/kustomization.yaml`]: kustomization });
  await lab.register('staging');
  await settled();
  const file = `${STAGING}/patch-image.yaml`;
  await lab.commit({
    [file]: (await lab.read(file)).replace('nginx:1.27.5', 'nginx:1.27.6'),
    [`${STAGING}/settings.yaml`]: settings('new', 'immutable: true\n'),
  });
  await settled();
}, 3 * MINUTE);

afterAll(() => lab?.close());

it(
  'an object that the API server would not take is told before anything is written, and images alone go back',
  async () => {
    const { code, report } = await rollback('--override', 'outage');
    expect([code, report.state], JSON.stringify(report, undefined, 1)).toEqual([1, 'refused']);
    expect(report.refusals).toMatchObject([
      {
        code: 'rollback-server-refuses',
        lines: [expect.stringMatching(/^ConfigMap\/settings: .*immutable/) as string],
      },
    ]);
    const images = await rollback('--images-only');
    expect([images.code, images.report.state, images.report.warnings]).toEqual([0, 'planned', []]);
  },
  2 * MINUTE,
);

it(
  'somebody else’s updater is warned of while it runs, and how it is paused',
  async () => {
    const labels = { app: 'updater' };
    await lab.kube.create({
      apiVersion: UPDATER.apiVersion,
      kind: UPDATER.kind,
      metadata: { name: UPDATER.name, namespace: UPDATER.namespace },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            containers: [{ name: 'updater', image: 'quay.io/argoprojlabs/argocd-image-updater:v0.16.0' }],
          },
        },
      },
    });
    const unnamed = await rollback('--images-only');
    expect(unnamed.report.warnings).toEqual([
      expect.stringMatching(/Image Updater runs \(argocd\/updater\)\. .* has no image-list annotation/),
    ]);
    await lab.kube.patch(APPLICATION, 'merge', {
      metadata: { annotations: { 'argocd-image-updater.argoproj.io/image-list': 'nginx' } },
    });
    const { code, report } = await rollback('--images-only');
    expect([code, report.state]).toEqual([0, 'planned']);
    expect(report.warnings).toEqual([
      expect.stringMatching(
        /runs \(argocd\/updater\) and watches payment-api-staging: it knows no holds.*kubectl scale deploy\/updater -n argocd --replicas=0$/,
      ),
    ]);
    const shown = await lab.run(['rollback', 'payment-api-staging', '--dry-run', '--images-only'], {
      cwd: lab.repository,
    });
    expect(shown.out + shown.err).toContain('knows no holds');
    await lab.kube.patch(UPDATER, 'merge', { spec: { replicas: 0 } });
    expect((await rollback('--images-only')).report.warnings).toEqual([]);
  },
  2 * MINUTE,
);
