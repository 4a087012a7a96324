import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from './served.fixture.ts';

const present = spawnSync('kubectl', ['version', '--client']).status === 0;
const run = present || process.env.CI !== undefined;
const recording = resolve(
  process.env.LANDFALL_FACTS ?? resolve(import.meta.dirname, '../../../../shared/facts'),
  'kubernetes-recordings/40-explain.out',
);

describe.skipIf(!run)('kubectl explain (skipped where kubectl is not installed)', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ tls: true });
  });
  afterAll(() => server.close());

  const explain = async (what: string) => (await server.kubectl(['explain', ...what.split(' ')])).output;

  it.skipIf(!existsSync(recording))(
    'prints what it printed at a real server (skipped where ../shared/facts is absent)',
    async () => {
      const [, ...lines] = readFileSync(recording, 'utf8').split('\n');
      expect(await explain('deployment.spec.strategy')).toBe(
        lines
          .filter((line) => !line.startsWith('rc='))
          .join('\n')
          .replace(/\n+$/, '\n\n\n'),
      );
    },
  );

  it('names types, what is required and what closes a set, all the way down', async () => {
    const output = await explain('deployment.spec --recursive');
    expect(output).toContain('\n  selector\t<LabelSelector> -required-\n');
    expect(output).toContain('\n    type\t<string>\n    enum: Recreate, RollingUpdate\n  template\t');
    expect(output).toContain('\n      maxSurge\t<IntOrString>\n');
    expect(output).toMatch(/\n {10,}limits\t<map\[string\]Quantity>\n/);
  });

  it('lists the values of one field', async () => {
    expect(await explain('pod.spec.restartPolicy')).toContain(
      'FIELD: restartPolicy <string>\nENUM:\n    Always\n    Never\n    OnFailure\n',
    );
  });

  it('reads OpenAPI 2, too', async () => {
    const output = await explain('deployment.spec.strategy --output plaintext-openapiv2');
    expect(output).toContain('KIND:     Deployment\nVERSION:  apps/v1\n\nRESOURCE: strategy <Object>\n');
    expect(output).toContain('FIELDS:\n   rollingUpdate\t<Object>\n');
    expect(await explain('pods.spec.containers --output plaintext-openapiv2')).toContain(
      '   name\t<string> -required-\n',
    );
  });

  it('says which field there is not', async () => {
    expect(await explain('pod.spec.nothing')).toContain('error: field "nothing" does not exist\n');
  });
});
