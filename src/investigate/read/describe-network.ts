import type { JsonObject } from '../../kernel/index.ts';
import { metadata, pairsIn } from './describe-parts.ts';
import type { Described } from './described.ts';
import { childOf, told } from './described.ts';
import { count, fields } from './objects.ts';

export function serviceValue(root: Described): JsonObject {
  const ports: JsonObject[] = [];
  for (const child of root.children) {
    const found = /^(?:(?<name>[a-z][\w-]*)\s+)?(?<port>\d+)\/(?<protocol>\w+)$/.exec(
      child.value.replace('<unset>', '').trim(),
    )?.groups;
    if (child.key === 'Port' && found !== undefined)
      ports.push({
        port: Number(found['port']),
        protocol: found['protocol'] ?? 'TCP',
        ...(found['name'] === undefined ? {} : { name: found['name'] }),
      });
    const target = /^([\w-]+)\/\w+$/.exec(child.value)?.[1];
    const last = ports.at(-1);
    if (child.key === 'TargetPort' && target !== undefined && last !== undefined)
      last['targetPort'] = count(target) ?? target;
  }
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'selector'], pairsIn(childOf(root, 'Selector'))],
      [['spec', 'type'], told(root, 'Type')],
      [['spec', 'clusterIP'], told(root, 'IP')],
      [['spec', 'ports'], ports.length === 0 ? undefined : ports],
    ),
  };
}

export function ingressValue(root: Described): JsonObject {
  let host = '';
  const rules: { host: string; http: { paths: JsonObject[] } }[] = [];
  const rows = [
    ...(childOf(root, 'Rules')?.items ?? []).map(({ text }) => text),
    ...(childOf(root, 'Rules')?.children ?? []).map((child) => `${child.key}:${child.value}`),
  ];
  for (const text of rows) {
    if (/^(?:Host\s+Path|-{3,})/.test(text)) continue;
    const found = /^(?:(?<host>[\w.*-]+)\s+)?(?<path>\/\S*)?\s*(?<service>[a-z][\w-]*):(?<port>[\w-]+)/.exec(
      text,
    )?.groups;
    if (found === undefined) {
      if (/^[\w.*-]+$/.test(text)) host = text;
      continue;
    }
    host = found['host'] ?? host;
    const entry: JsonObject = {
      path: found['path'] ?? '/',
      backend: {
        service: {
          name: found['service'] ?? '',
          port: { number: count(found['port']) ?? found['port'] ?? '' },
        },
      },
    };
    const known = rules.find((rule) => rule.host === host);
    if (known === undefined) rules.push({ host, http: { paths: [entry] } });
    else known.http.paths.push(entry);
  }
  const address = told(root, 'Address');
  const errors = rows.flatMap((text): JsonObject[] => {
    const message = /<error: [^>]+>/.exec(text)?.[0];
    return message === undefined ? [] : [{ message }];
  });
  return {
    ...metadata(root),
    ...fields(
      [['status', 'backendErrors'], errors.length === 0 ? undefined : errors],
      [['spec', 'ingressClassName'], told(root, 'Ingress Class')],
      [['spec', 'rules'], rules.length === 0 ? undefined : rules],
      [['status', 'loadBalancer'], address === undefined ? undefined : { ingress: [{ ip: address }] }],
    ),
  };
}

export function endpointsValue(root: Described): JsonObject {
  const subsets = childOf(root, 'Subsets');
  const addresses = (key: string) =>
    told(subsets, key)
      ?.split(',')
      .map((ip) => ({ ip: ip.trim() }));
  const ready = addresses('Addresses');
  const notReady = addresses('NotReadyAddresses');
  return {
    ...metadata(root),
    subsets:
      ready === undefined && notReady === undefined
        ? []
        : [
            {
              ...(ready === undefined ? {} : { addresses: ready }),
              ...(notReady === undefined ? {} : { notReadyAddresses: notReady }),
            },
          ],
  };
}

/** `Endpoints: 10.1.0.4:8080,10.1.0.5:8080 + 1 more...` of a Service; `<none>` where nothing is behind it. */
export function endpointsOfService(text: string): JsonObject {
  const addresses = text
    .split(/[,\s]+/)
    .filter((word) => /^[\d.a-f:]+:\d+$/.test(word))
    .map((word) => ({ ip: word.replace(/:\d+$/, '') }));
  return { subsets: addresses.length === 0 ? [] : [{ addresses }] };
}
