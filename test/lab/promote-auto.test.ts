import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLedger } from '../../src/ledger/index.ts';
import type { Change, Ledger } from '../../src/ledger/index.ts';
import { sleep, systemClock } from '../../src/kernel/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// The controller promotes by itself what has landed, honours holds, and never goes backwards.
const MINUTE = 60_000;
const OVERLAYS = 'apps/payment-api/overlays';

let lab: Lab;
let ledger: Ledger;

const DECLARED = `apiVersion: landfall.dev/v1
environments:
  - name: dev
    applications: [payment-api-dev]
  - name: staging
    applications: [payment-api-staging]
    promotion: { from: dev, soak: 1s, auto: true }
  - name: prod
    applications: [payment-api-prod]
`;

async function until<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  const end = systemClock.now() + 90_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (systemClock.now() > end) throw new Error(`not within 90 s: ${what}`);
    await sleep(systemClock, 250);
  }
}

async function setImage(environment: string, image: string): Promise<void> {
  const file = `${OVERLAYS}/${environment}/patch-image.yaml`;
  await lab.commit({ [file]: (await lab.read(file)).replace(/image: .*/, `image: ${image}`) });
  await lab.refresh(`payment-api-${environment}`);
}

function changes(): Promise<readonly Change[]> {
  return ledger.changes.list({ application: 'payment-api-staging' }, 100);
}

beforeAll(async () => {
  lab = await openLab();
  await lab.onboard({ 'landfall.yaml': DECLARED });
  // The controller keeps a history of its own.
  ledger = openLedger({ folder: path.join(lab.home, 'controller', 'landfall'), clock: systemClock });
  for (const environment of ['dev', 'staging'] as const) await lab.register(environment);
}, 3 * MINUTE);

afterAll(async () => {
  await ledger?.close();
  await lab?.close();
});

const DEV = { namespace: 'argocd', application: 'payment-api-dev' };

/** Lets the loop look at dev so many times. */
async function turns(count: number): Promise<void> {
  const seen = async () => (await ledger.standings.get({ cluster: lab.kube.server, ...DEV }))?.seen ?? '';
  for (let turn = 0; turn < count; turn += 1) {
    const before = await seen();
    await until(async () => ((await seen()) > before ? true : undefined), 'a turn of the loop');
  }
}

function staging(): Promise<string> {
  return lab.read(`${OVERLAYS}/staging/patch-image.yaml`);
}

describe('by itself', () => {
  it(
    'a release goes on once it has landed and soaked, and is proven there',
    async () => {
      const landed = await until(
        async () => (await changes()).find(({ state }) => state === 'landed'),
        'a landed promotion',
      );
      expect(landed).toMatchObject({ kind: 'promotion', actor: { name: 'landfall', attestedBy: 'server' } });
      expect(await staging()).toMatch(/nginx:1\.27\.6@sha256:/);
      const all = await ledger.deliveries.list({ application: 'payment-api-staging' }, 100);
      expect(all.find(({ trigger }) => trigger === 'promotion')?.state).toBe('landed');
    },
    3 * MINUTE,
  );

  it(
    'nothing goes backwards',
    async () => {
      const before = (await changes()).length;
      const release = async () => (await ledger.standings.get({ cluster: lab.kube.server, ...DEV }))?.release;
      const newer = await release();
      await setImage('dev', 'nginx:1.27.4');
      await until(async () => ((await release()) === newer ? undefined : true), 'dev at 1.27.4');
      await turns(3);
      expect(await staging()).toMatch(/nginx:1\.27\.6@/);
      expect((await changes()).length).toBe(before);
    },
    3 * MINUTE,
  );

  it(
    'nothing goes past a hold, until somebody lifts it',
    async () => {
      const id = await ledger.holds.put({
        cluster: lab.kube.server,
        namespace: 'argocd',
        application: 'payment-api-staging',
        kind: 'promotion',
        revision: '',
        reason: 'rolled back',
        actor: { name: 'ana', attestedBy: 'cluster' },
      });
      await setImage('staging', 'nginx:1.27.5');
      await setImage('dev', 'nginx:1.27.6');
      const before = (await changes()).length;
      await turns(3);
      expect(await staging()).toContain('nginx:1.27.5\n');
      expect((await changes()).length).toBe(before);
      await ledger.holds.lift(id);
      await until(
        async () => (await staging()).includes('1.27.6@') || undefined,
        'promoted once the hold was lifted',
      );
    },
    3 * MINUTE,
  );
});
