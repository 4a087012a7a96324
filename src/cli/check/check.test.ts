import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { newPerson } from '../../../test/cli/terminal.ts';
import type { CheckAnswer } from './check.ts';

let person: Awaited<ReturnType<typeof newPerson>>;
let folder: string;

const PINNED = `registry.corp.io/web:1.0.0@sha256:${'a'.repeat(64)}`;

async function manifests(image: string, selector = 'web', comment = ''): Promise<void> {
  await writeFile(
    path.join(folder, 'all.yaml'),
    `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: main
          image: ${image}${comment}
          ports: [{ containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /ready, port: 8080 } }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { selector: { app: ${selector} }, ports: [{ port: 80, targetPort: 8080 }] }
`,
  );
}

async function check(
  ...flags: readonly string[]
): Promise<{ readonly code: number; readonly answer: CheckAnswer }> {
  const { code, out } = await person.run(['check', folder, '-o', 'json', ...flags]);
  return { code, answer: JSON.parse(out) as CheckAnswer };
}

beforeEach(async () => {
  person = await newPerson();
  folder = path.join(person.folder, 'app');
  await mkdir(path.join(folder, '.git'), { recursive: true });
  await writeFile(path.join(folder, 'kustomization.yaml'), 'resources: [all.yaml]\n');
});

describe('landfall check', () => {
  it('finds nothing in what is well', async () => {
    await manifests(PINNED);
    const { code, answer } = await check('--fail-on', 'risk');
    expect(answer.issues).toEqual([]);
    expect(code).toBe(0);
  });

  it('names file and line, and fails only on what is bad enough', async () => {
    await manifests('registry.corp.io/web:latest');
    const { code, answer } = await check();
    expect(answer.issues).toMatchObject([{ id: 'mutable-tag', level: 'risk', file: 'all.yaml', line: 12 }]);
    expect(code).toBe(0);
    expect((await check('--fail-on', 'risk')).code).toBe(1);
  });

  it('fails on a Service that selects nothing', async () => {
    await manifests(PINNED, 'webb');
    const { code, answer } = await check();
    expect(answer.issues).toMatchObject([{ id: 'service-selects-nothing', level: 'error', line: 19 }]);
    expect(code).toBe(1);
  });

  it('suppresses with a reason until a day, and reports what is over', async () => {
    await manifests(
      'registry.corp.io/web:latest',
      'web',
      ' # landfall:ignore mutable-tag until=2999-01-01 the registry moves',
    );
    const held = await check('--fail-on', 'risk');
    expect(held.code).toBe(0);
    expect(held.answer.suppressed).toMatchObject([
      { id: 'mutable-tag', because: 'the registry moves', until: '2999-01-01' },
    ]);
    await manifests(
      'registry.corp.io/web:latest',
      'web',
      ' # landfall:ignore mutable-tag until=2020-01-01 the registry moves',
    );
    const over = await check('--fail-on', 'warning');
    expect(over.code).toBe(1);
    expect(over.answer.issues.map(({ id }) => id)).toEqual(['suppression-expired', 'mutable-tag']);
  });

  it.each(['"2999-01-01"', '2999-01-01'])(
    'takes suppressions from landfall.yaml, by object, until the day %s',
    async (day) => {
      await manifests('registry.corp.io/web:latest');
      await writeFile(
        path.join(folder, 'landfall.yaml'),
        `apiVersion: landfall.dev/v1\ncheck:\n  suppress:\n    - { finding: mutable-tag, object: Deployment/shop/web, reason: moves, until: ${day} }\n`,
      );
      expect((await check('--fail-on', 'risk')).answer).toMatchObject({
        issues: [],
        suppressed: [{ id: 'mutable-tag', until: '2999-01-01' }],
      });
    },
  );

  it('fails for an environment that nobody hears of', async () => {
    await manifests(PINNED);
    await writeFile(
      path.join(folder, 'landfall.yaml'),
      'apiVersion: landfall.dev/v1\nenvironments:\n  - name: staging\n  - name: prod\n    notify: [{ slack: SLACK_URL }]\n',
    );
    const { code, answer } = await check();
    expect(code).toBe(1);
    expect(answer.issues).toMatchObject([
      { id: 'environment-untold', title: 'nobody is told of deliveries to staging', line: 3, level: 'error' },
    ]);
  });

  it('writes SARIF and JUnit', async () => {
    await manifests('registry.corp.io/web:latest', 'webb');
    const sarif = JSON.parse((await person.run(['check', folder, '--format', 'sarif'])).out) as {
      runs: { results: { ruleId: string; locations: unknown[] }[] }[];
    };
    expect(sarif.runs[0]?.results.map(({ ruleId }) => ruleId)).toEqual([
      'service-selects-nothing',
      'mutable-tag',
    ]);
    const { out } = await person.run(['check', folder, '--format', 'junit']);
    expect(out).toContain('tests="2" failures="1"');
    expect(out).toContain('app=&quot;webb&quot;');
  });

  it('says that there is nothing, instead of calling it well', async () => {
    await writeFile(path.join(folder, 'kustomization.yaml'), 'resources: []\n');
    const { answer } = await check();
    expect(answer.issues).not.toEqual([]);
  });
});

describe('landfall triage', () => {
  it.each([
    ['Controller cannot find path', 'intent', /Recreating/],
    ['Controller says render failed', 'render', /Restarting pods/],
    ['OutOfSync after manual patch', 'live', /Another live patch/],
    ['Synced but Pods crash', 'health', /Editing the Application/],
    ['Rollout stuck mid-canary', 'rollout', /Scaling ReplicaSets by hand/],
    ['Service has no endpoints', 'traffic', /Rebuilding/],
    ['Old image still running', 'rollout', /git push/],
  ])('%s', async (symptom, boundary, avoid) => {
    const { code, out } = await person.run(['triage', ...symptom.split(' '), '-o', 'json']);
    const [first] = JSON.parse(out) as { boundary: string; avoid: string }[];
    expect(code).toBe(0);
    expect(first?.boundary).toBe(boundary);
    expect(first?.avoid).toMatch(avoid);
  });

  it('does not guess where no word is known', async () => {
    expect((await person.run(['triage', 'qwertz'])).code).toBe(3);
  });

  it('looks at every environment below a folder that has no kustomization of its own', async () => {
    await manifests(PINNED);
    await mkdir(path.join(person.folder, '.git'));
    const all = await person.run(['check', '-o', 'json'], { cwd: person.folder });
    expect((JSON.parse(all.out) as CheckAnswer).folders).toEqual(['app']);
    const here = await person.run(['check', '-o', 'json'], { cwd: folder });
    expect((JSON.parse(here.out) as CheckAnswer).folders).toEqual(['.']);
  });
});
