import type { JsonObject } from '../../kernel/index.ts';
import { mapsAt, maybeMap, numberAt, stringAt } from '../kinds/json-access.ts';
import { age } from './age.ts';
import { columns, type Printer } from './column.ts';
import { labelsText, selectorText } from './workloads.ts';

const meta = (object: JsonObject) => maybeMap(object, 'metadata') ?? {};
const spec = (object: JsonObject) => maybeMap(object, 'spec') ?? {};

const strings = (value: unknown) =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

function externalAddress(service: JsonObject): string {
  const ips = strings(spec(service).externalIPs);
  switch (stringAt(spec(service), 'type')) {
    case 'LoadBalancer': {
      const found = mapsAt(maybeMap(maybeMap(service, 'status'), 'loadBalancer'), 'ingress').map(
        (ingress) => stringAt(ingress, 'ip') || stringAt(ingress, 'hostname'),
      );
      const all = [...found, ...ips];
      return all.length > 0 ? all.join(',') : '<pending>';
    }
    case 'ExternalName':
      return stringAt(spec(service), 'externalName');
    default:
      return ips.length > 0 ? ips.join(',') : '<none>';
  }
}

function portsText(service: JsonObject): string {
  const ports = mapsAt(spec(service), 'ports').map((port) => {
    const node = numberAt(port, 'nodePort');
    return `${numberAt(port, 'port')}${node === 0 ? '' : `:${node}`}/${stringAt(port, 'protocol')}`;
  });
  return ports.length === 0 ? '<none>' : ports.join(',');
}

export const servicePrinter: Printer = {
  columns: columns('Name, Type, Cluster-IP, External-IP, Port(s), Age, *Selector'),
  cells: (object, now) => [
    stringAt(meta(object), 'name'),
    stringAt(spec(object), 'type'),
    stringAt(spec(object), 'clusterIP') || '<none>',
    externalAddress(object),
    portsText(object),
    age(meta(object).creationTimestamp, now),
    labelsText(maybeMap(spec(object), 'selector')),
  ],
};

function endpointsText(object: JsonObject): string {
  const subsets = mapsAt(object, 'subsets');
  if (subsets.length === 0) return '<none>';
  const max = 3;
  const shown: string[] = [];
  let count = 0;
  for (const subset of subsets) {
    const addresses = mapsAt(subset, 'addresses');
    const ports = mapsAt(subset, 'ports');
    if (ports.length === 0) {
      for (const address of addresses) {
        count++;
        if (shown.length < max) shown.push(stringAt(address, 'ip'));
      }
      continue;
    }
    for (const port of ports) {
      if (stringAt(port, 'protocol') === 'SCTP') continue;
      for (const address of addresses) {
        count++;
        if (shown.length < max) shown.push(`${stringAt(address, 'ip')}:${numberAt(port, 'port')}`);
      }
    }
  }
  const text = shown.join(',');
  if (text === '') return '<none>';
  return count > max ? `${text} + ${count - max} more...` : text;
}

export const endpointsPrinter: Printer = {
  columns: columns('Name, Endpoints, Age'),
  cells: (object, now) => [
    stringAt(meta(object), 'name'),
    endpointsText(object),
    age(meta(object).creationTimestamp, now),
  ],
};

function firstFew(values: readonly string[], none: string): string {
  if (values.length === 0) return none;
  const shown = values.slice(0, 3).join(',');
  return values.length > 3 ? `${shown} + ${values.length - 3} more...` : shown;
}

export const endpointSlicePrinter: Printer = {
  columns: columns('Name, AddressType, Ports, Endpoints, Age'),
  cells(object, now) {
    const ports = mapsAt(object, 'ports').map((port) =>
      typeof port.port === 'number' ? String(port.port) : stringAt(port, 'name') || '*',
    );
    const addresses = mapsAt(object, 'endpoints').flatMap((endpoint) => strings(endpoint.addresses));
    return [
      stringAt(meta(object), 'name'),
      stringAt(object, 'addressType'),
      firstFew(ports, '<unset>'),
      firstFew(addresses, '<unset>'),
      age(meta(object).creationTimestamp, now),
    ];
  },
};

export const ingressPrinter: Printer = {
  columns: columns('Name, Class, Hosts, Address, Ports, Age'),
  cells(object, now) {
    const hosts = mapsAt(spec(object), 'rules').map((rule) => stringAt(rule, 'host') || '*');
    const addresses = mapsAt(maybeMap(maybeMap(object, 'status'), 'loadBalancer'), 'ingress').map(
      (ingress) => stringAt(ingress, 'ip') || stringAt(ingress, 'hostname'),
    );
    return [
      stringAt(meta(object), 'name'),
      stringAt(spec(object), 'ingressClassName') || '<none>',
      firstFew(hosts, '*'),
      addresses.join(','),
      mapsAt(spec(object), 'tls').length > 0 ? '80, 443' : '80',
      age(meta(object).creationTimestamp, now),
    ];
  },
};

export const ingressClassPrinter: Printer = {
  columns: columns('Name, Controller, Parameters, Age'),
  cells(object, now) {
    const parameters = maybeMap(spec(object), 'parameters');
    const group = stringAt(parameters, 'apiGroup');
    return [
      stringAt(meta(object), 'name'),
      stringAt(spec(object), 'controller'),
      parameters === undefined
        ? '<none>'
        : `${stringAt(parameters, 'kind')}${group === '' ? '' : `.${group}`}/${stringAt(parameters, 'name')}`,
      age(meta(object).creationTimestamp, now),
    ];
  },
};

export const networkPolicyPrinter: Printer = {
  columns: columns('Name, Pod-Selector, Age'),
  cells: (object, now) => [
    stringAt(meta(object), 'name'),
    selectorText(maybeMap(spec(object), 'podSelector')),
    age(meta(object).creationTimestamp, now),
  ],
};
