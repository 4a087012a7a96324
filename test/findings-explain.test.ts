import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CheckAnswer } from '../src/cli/check/check.ts';
import type { DeliveryNote } from '../src/verdict/index.ts';
import { openStage, workload } from './cli/stage.ts';
import type { Stage } from './cli/stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
  await stage.commit({
    ...workload('shop', { mode: 'web' }),
    ...workload('crash', { mode: 'exit' }),
    ...workload('gone', { mode: 'web', image: 'app:9.9.9' }),
  });
  for (const name of ['shop', 'crash', 'gone']) await stage.deliver(name, { path: name });
}, 120_000);

afterAll(() => stage?.close());

async function explained(name: string): Promise<DeliveryNote> {
  await stage.prove(name, ['--wait', '20s']);
  const { out } = await stage.run(['explain', name, '-o', 'json']);
  return JSON.parse(out) as DeliveryNote;
}

it('explains a crash by the log of the run before, and who can go back', async () => {
  const { findings } = await explained('crash');
  expect(findings[0]).toMatchObject({ failure: 'ROL-09', boundary: 'health', landfallCan: 'rollback' });
  expect(JSON.stringify(findings[0]?.claims)).toContain('no database');
}, 60_000);

it('explains an image that is not there', async () => {
  const { findings } = await explained('gone');
  expect(findings[0]).toMatchObject({ id: 'image-missing', failure: 'PIP-04', boundary: 'artifact' });
}, 60_000);

it('checks an Application against its cluster, before anybody syncs it', async () => {
  const { code, out } = await stage.run(['check', 'gone', '-o', 'json']);
  const { issues, notChecked } = JSON.parse(out) as CheckAnswer;
  expect(issues.filter(({ level }) => level === 'error')).toEqual([]);
  expect(issues.map(({ id }) => id)).toContain('digest-missing');
  expect(notChecked).toEqual([]);
  expect(code).toBe(0);
}, 60_000);

it('finds no cause in what has landed', async () => {
  const { findings, verdict } = await explained('shop');
  expect(verdict).toBe('landed');
  expect(findings.filter(({ kind }) => kind === 'cause')).toEqual([]);
}, 60_000);
