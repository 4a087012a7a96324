import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getArray, getString, isJsonObject } from '../../kernel/index.ts';
import { clusterFixture } from '../cluster/cluster-fixture.ts';
import type { ClusterFixture } from '../cluster/cluster-fixture.ts';
import { asJson } from '../kinds/json-access.ts';
import { GATEWAY_GROUP, GATEWAYS } from './traffic-fixture.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(path.join(os.tmpdir(), 'traffic-data-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

function addressOf(fixture: ClusterFixture): Promise<string> {
  return fixture.until('the address', () => {
    const found = fixture.api.get(GATEWAYS, 'default', 'web');
    const addresses = getArray(found === undefined ? {} : asJson(found), 'status', 'addresses');
    return getString(addresses.find(isJsonObject), 'value');
  });
}

describe('a Gateway of a cluster with a data folder', () => {
  it('comes back on its address, which nobody else was given meanwhile', async () => {
    const first = await clusterFixture({ dataDir, definitions: ['gateway-api'], nodes: 1 });
    await first.create(
      {
        apiVersion: `${GATEWAY_GROUP}/v1`,
        kind: 'Gateway',
        metadata: { name: 'web', namespace: 'default' },
        spec: {
          gatewayClassName: 'drydock',
          listeners: [{ name: 'http', protocol: 'HTTP', port: 9080 }],
        },
      },
      'gateways',
      GATEWAY_GROUP,
    );
    const address = await addressOf(first);
    await first.close();
    const second = await clusterFixture({ dataDir, definitions: ['gateway-api'], nodes: 1 });
    const service = await second.create(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'new', namespace: 'default' },
        spec: { ports: [{ port: 80 }] },
      },
      'services',
    );
    expect(await addressOf(second)).toBe(address);
    expect(getString(asJson(service), 'spec', 'clusterIP')).not.toBe(address);
    const answer = await fetch(`http://${address}:9080/`);
    expect([answer.status, await answer.text()]).toEqual([
      404,
      `Gateway default/web has no route for GET ${address}/\n`,
    ]);
    await second.close();
  });
});
