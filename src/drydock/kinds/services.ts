import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { invalid, type FieldError } from '../machinery/status-errors.ts';
import { bad, named, required, requiredOneOf } from './field-errors.ts';
import { asJson, mapAt, mapsAt, maybeMap, numberAt, setDefault, stringAt } from './json-access.ts';
import type { KindRules, WriteContext } from './kind.ts';
import { validateLabels } from './label-validation.ts';
import { subdomainNameProblem } from './names.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
/** 10.96.0.0/16; the first addresses are left to fixed services, the first of all to `kubernetes`. */
export const KUBERNETES_SERVICE_IP = '10.96.0.1';
const NODE_PORTS = { first: 30_000, last: 32_767 } as const;

function specOf(object: KubeObject): JsonObject {
  return mapAt(asJson(object), 'spec');
}

function hasAddress(spec: JsonObject): boolean {
  return spec.type !== 'ExternalName';
}

const isTaken = (address: string, context: WriteContext) =>
  address === KUBERNETES_SERVICE_IP || context.isServiceAddress(address);

function freeAddress(context: WriteContext): string {
  for (let attempt = 0; attempt < 100_000; attempt++) {
    const address = `10.96.${randomInt(1, 256)}.${randomInt(1, 255)}`;
    if (!isTaken(address, context)) return address;
  }
  throw new Error('every address of the service network 10.96.0.0/16 is taken');
}

/** Of all Services but the one that is written. */
function usedNodePorts(context: WriteContext, own: KubeObject): Set<number> {
  const used = new Set<number>();
  for (const service of context.all('', 'services')) {
    if (service.metadata.uid === own.metadata.uid) continue;
    for (const port of mapsAt(maybeMap(asJson(service), 'spec'), 'ports'))
      used.add(numberAt(port, 'nodePort'));
  }
  return used;
}

/** Source: pkg/registry/core/service/portallocator. */
function nodePortProblem(port: number, index: number, used: ReadonlySet<number>): FieldError[] {
  const { first, last } = NODE_PORTS;
  if (port === 0) return [];
  const field = `spec.ports[${index}].nodePort`;
  if (port < first || port > last) {
    const detail = `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
    return [{ type: 'invalid', field, value: port, detail }];
  }
  return used.has(port)
    ? [{ type: 'invalid', field, value: port, detail: 'provided port is already allocated' }]
    : [];
}

function allocateNodePorts(object: KubeObject, context: WriteContext): void {
  const spec = specOf(object);
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return;
  if (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false) return;
  const used = usedNodePorts(context, object);
  const ports = mapsAt(spec, 'ports');
  const errors = ports.flatMap((port, index) => nodePortProblem(numberAt(port, 'nodePort'), index, used));
  if (errors.length > 0) throw invalid('', 'Service', object.metadata.name, errors);
  for (const port of ports) {
    if (numberAt(port, 'nodePort') !== 0) {
      used.add(numberAt(port, 'nodePort'));
      continue;
    }
    for (let candidate = NODE_PORTS.first; candidate <= NODE_PORTS.last; candidate++) {
      if (used.has(candidate)) continue;
      port.nodePort = candidate;
      used.add(candidate);
      break;
    }
  }
}

function allocate(object: KubeObject, old: KubeObject | undefined, context: WriteContext): void {
  const spec = specOf(object);
  if (!hasAddress(spec)) return;
  setDefault(spec, 'ipFamilies', ['IPv4']);
  setDefault(spec, 'ipFamilyPolicy', 'SingleStack');
  const before = maybeMap(old === undefined ? undefined : asJson(old), 'spec');
  const asked = stringAt(spec, 'clusterIP');
  if (asked === '') {
    const kept = before !== undefined && hasAddress(before) ? stringAt(before, 'clusterIP') : '';
    spec.clusterIP = kept === '' ? freeAddress(context) : kept;
  } else if (asked !== 'None' && asked !== stringAt(before, 'clusterIP') && isTaken(asked, context)) {
    if (object.metadata.name !== 'kubernetes') {
      throw invalid('', 'Service', object.metadata.name, [
        {
          type: 'invalid',
          field: 'spec.clusterIPs',
          value: [asked],
          detail: `failed to allocate IP ${asked}: provided IP is already allocated`,
        },
      ]);
    }
  }
  spec.clusterIPs = [stringAt(spec, 'clusterIP')];
  allocateNodePorts(object, context);
}

function validate(object: KubeObject): FieldError[] {
  const spec = specOf(object);
  const errors: FieldError[] = [];
  const ports = mapsAt(spec, 'ports');
  const external = spec.type === 'ExternalName';
  if (ports.length === 0 && spec.clusterIP !== 'None' && !external) errors.push(required('spec.ports'));
  if (external) {
    const name = stringAt(spec, 'externalName').replace(/\.$/, '');
    if (name === '') errors.push(required('spec.externalName'));
    else errors.push(...named('spec.externalName', name, subdomainNameProblem(name)));
  }
  const names = new Set<string>();
  const numbers = new Set<string>();
  ports.forEach((port, index) => {
    const at = `spec.ports[${index}]`;
    const name = stringAt(port, 'name');
    const number = numberAt(port, 'port');
    if (ports.length > 1 && name === '') errors.push({ type: 'required', field: `${at}.name`, detail: '' });
    if (name !== '' && names.has(name)) {
      errors.push({ type: 'duplicate', field: `${at}.name`, value: name, detail: '' });
    }
    names.add(name);
    if (number < 1 || number > 65535) {
      errors.push({
        type: 'invalid',
        field: `${at}.port`,
        value: number,
        detail: 'must be between 1 and 65535, inclusive',
      });
    }
    const key = `${stringAt(port, 'protocol')}/${number}`;
    if (numbers.has(key)) {
      errors.push({
        type: 'duplicate',
        field: at,
        value: { protocol: port.protocol, port: number },
        detail: '',
      });
    }
    numbers.add(key);
    const target = port.targetPort;
    if (typeof target === 'number' && (target < 1 || target > 65535)) {
      errors.push({
        type: 'invalid',
        field: `${at}.targetPort`,
        value: target,
        detail: 'must be between 1 and 65535, inclusive',
      });
    }
  });
  errors.push(
    ...validateLabels(maybeMap(spec, 'selector'), 'spec.selector'),
    ...requiredOneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']),
  );
  const address = stringAt(spec, 'clusterIP');
  if (address !== '' && address !== 'None' && isIP(address) === 0) {
    const detail = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
    errors.push(bad('spec.clusterIPs[0]', address, detail));
  }
  errors.push(...requiredOneOf('spec.type', spec.type, TYPES));
  return errors;
}

/** Source: pkg/apis/core/v1/defaults.go, pkg/registry/core/service. */
export const serviceRules: KindRules = {
  defaults(object) {
    const spec = specOf(object);
    setDefault(spec, 'sessionAffinity', 'None');
    if (spec.sessionAffinity === 'ClientIP') {
      setDefault(mapAt(mapAt(spec, 'sessionAffinityConfig'), 'clientIP'), 'timeoutSeconds', 10_800);
    }
    setDefault(spec, 'type', 'ClusterIP');
    for (const port of mapsAt(spec, 'ports')) {
      setDefault(port, 'protocol', 'TCP');
      if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') {
        port.targetPort = numberAt(port, 'port');
      }
    }
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') {
      setDefault(spec, 'externalTrafficPolicy', 'Cluster');
    }
    if (hasAddress(spec)) setDefault(spec, 'internalTrafficPolicy', 'Cluster');
    if (spec.type === 'LoadBalancer') setDefault(spec, 'allocateLoadBalancerNodePorts', true);
  },
  prepareCreate(object) {
    asJson(object).status = { loadBalancer: {} };
  },
  prepareUpdate(object, old) {
    const spec = specOf(object);
    const before = specOf(old);
    if (!hasAddress(spec)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
      return;
    }
    const oldPorts = mapsAt(before, 'ports');
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') {
      for (const port of mapsAt(spec, 'ports')) {
        const same = oldPorts.find((known) => known.port === port.port && known.protocol === port.protocol);
        if (numberAt(port, 'nodePort') === 0 && same !== undefined && numberAt(same, 'nodePort') !== 0) {
          port.nodePort = numberAt(same, 'nodePort');
        }
      }
    } else if (before.type === 'NodePort' || before.type === 'LoadBalancer') {
      for (const port of mapsAt(spec, 'ports')) delete port.nodePort;
      delete spec.externalTrafficPolicy;
    }
  },
  allocate,
  validate,
  validateUpdate(object, old) {
    const spec = specOf(object);
    const before = specOf(old);
    const now = stringAt(spec, 'clusterIP');
    const was = stringAt(before, 'clusterIP');
    if (!hasAddress(spec) || !hasAddress(before) || was === '' || now === '' || now === was) return [];
    return [
      {
        type: 'invalid',
        field: 'spec.clusterIPs[0]',
        value: [now],
        detail: 'may not change once set',
      },
    ];
  },
  selectableFields: ['spec.clusterIP', 'spec.type'],
  selectField: (object, field) => stringAt(maybeMap(asJson(object), 'spec'), field.slice('spec.'.length)),
};
