import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runProgram } from '../src/kernel/index.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'built-library-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = `
import { request } from 'node:https';
import { startCluster } from './dist/library/drydock.js';
const { url, caCertificate, close } = await startCluster({ nodes: 1, token: 'secret', definitions: [] });
const text = await new Promise((resolve, reject) => {
  const headers = { authorization: 'Bearer secret' };
  request(url + '/openapi/v3/apis/apps/v1', { ca: caCertificate, headers }, (response) => {
    let body = '';
    response.on('data', (chunk) => (body += chunk));
    response.on('end', () => resolve(body));
  }).on('error', reject).end();
});
await close();
const { type } = JSON.parse(text).components.schemas['io.k8s.api.apps.v1.DeploymentStrategy'].properties;
process.stdout.write(JSON.stringify(type.enum) + type.description);
`;

it('the built library has the documentation of the API inside, and needs no package for it', async () => {
  const scripts = path.resolve(import.meta.dirname, '../scripts/bundle.mjs');
  const { bundle } = (await import(scripts)) as { bundle: (outdir: string) => Promise<void> };
  await bundle(path.join(folder, 'dist'));
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(path.join(folder, 'explain.mjs'), PROGRAM);
  const { code, stdout, stderr } = await runProgram(process.execPath, [path.join(folder, 'explain.mjs')], {
    timeoutMs: 60_000,
  });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const printed = stdout.toString('utf8');
  expect(printed).toContain('["Recreate","RollingUpdate"]');
  expect(printed).toContain('Possible enum values:');
}, 120_000);
