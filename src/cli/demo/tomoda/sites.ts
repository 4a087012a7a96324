import { readFile, writeFile } from 'node:fs/promises';
import { API_HOST, DEV_API_HOST } from '../../../../examples/tomoda/index.ts';
import type { IngressAddress } from '../../../../examples/tomoda/index.ts';
import { makeServerCertificate } from '../../../drydock/index.ts';
import { getArray, getNumber, getString, isJsonObject } from '../../../kernel/index.ts';
import type { Clock } from '../../../kernel/index.ts';
import type { KubeClient } from '../../../kube/index.ts';
import { until } from '../until.ts';

const INGRESS_MS = 60_000;
const HTTPS = 443;
const INGRESS = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' } as const;

/** Ingress, namespace and Secret of each host. */
const SITES: readonly { readonly host: string; readonly namespace: string; readonly secret: string }[] = [
  { host: DEV_API_HOST, namespace: 'tomoda', secret: 'api-dev-tomoda-life' },
  { host: API_HOST, namespace: 'prod', secret: 'api-tomoda-life' },
];

/**
 * What is in the cluster before the first delivery, because it does not belong into Git: a certificate for each host,
 * as a Secret that its Ingress names. `caFile` says where what it is signed by is written for clients.
 */
export async function prepareSites(
  kube: KubeClient,
  caFile: (host: string) => string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (const { host, namespace, secret } of SITES) {
    const { certificate, privateKey } = makeServerCertificate([host], clock.now());
    await writeFile(caFile(host), certificate);
    await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, {}, signal);
    await kube.create(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: secret, namespace },
        type: 'kubernetes.io/tls',
        stringData: { 'tls.crt': certificate, 'tls.key': privateKey },
      },
      {},
      signal,
    );
  }
}

/** Where a host is served, as the status of its Ingress says; waits for it. */
export async function findIngress(
  kube: KubeClient,
  host: string,
  caFile: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<IngressAddress> {
  const namespace = SITES.find((each) => each.host === host)?.namespace ?? '';
  return until(clock, `An address of the Ingress for ${host}`, INGRESS_MS, signal, async () => {
    const ingress = await kube.get({ ...INGRESS, namespace, name: 'tomoda-api' }, signal);
    const [address] = getArray(ingress ?? {}, 'status', 'loadBalancer', 'ingress').filter(isJsonObject);
    const ip = getString(address, 'ip');
    if (ip === undefined) return undefined;
    // Who may not open 443 serves it elsewhere, and the status says both, http first.
    const moved = getNumber(getArray(address, 'ports').filter(isJsonObject)[1], 'port');
    return { host, ip, port: moved ?? HTTPS, ca: await readFile(caFile, 'utf8') };
  });
}
