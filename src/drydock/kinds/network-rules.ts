import type { JsonObject } from '../../kernel/index.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { bad, named, oneOf, portNumber, required } from './field-errors.ts';
import { asJson, mapAt, mapsAt, maybeMap, numberAt, setDefault, stringAt } from './json-access.ts';
import type { KindRules } from './kind.ts';
import { validateLabelSelector } from './label-validation.ts';
import { hostProblem, label1035Problem, portNameProblems } from './names.ts';

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];

function validateBackend(backend: JsonObject | undefined, field: string): FieldError[] {
  const service = maybeMap(backend, 'service');
  const resource = maybeMap(backend, 'resource');
  if (service === undefined && resource === undefined) return [required(field, 'cannot be empty')];
  if (service !== undefined && resource !== undefined) {
    return [bad(field, '', 'cannot set both resource and service backends')];
  }
  if (service === undefined) return [];
  const errors: FieldError[] = [];
  const name = stringAt(service, 'name');
  if (name === '') errors.push(required(`${field}.service.name`));
  else errors.push(...named(`${field}.service.name`, name, label1035Problem(name)));
  const port = maybeMap(service, 'port');
  const portName = stringAt(port, 'name');
  const number = numberAt(port, 'number');
  if (portName !== '' && number > 0) {
    errors.push(bad(field, '', 'cannot set both port name & port number'));
  } else if (portName !== '') {
    errors.push(
      ...portNameProblems(portName).map((problem) => bad(`${field}.service.port.name`, portName, problem)),
    );
  } else if (number === 0) {
    errors.push(required(field, 'port name or number is required'));
  } else errors.push(...portNumber(`${field}.service.port.number`, number));
  return errors;
}

function validatePath(path: JsonObject, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const type = stringAt(path, 'pathType');
  const text = stringAt(path, 'path');
  if (type === '') {
    errors.push(required(`${at}.pathType`, 'pathType must be specified'));
  } else if (type === 'ImplementationSpecific') {
    if (text !== '' && !text.startsWith('/'))
      errors.push(bad(`${at}.path`, text, 'must be an absolute path'));
  } else if (PATH_TYPES.includes(type)) {
    if (!text.startsWith('/')) errors.push(bad(`${at}.path`, text, 'must be an absolute path'));
    for (const sequence of ['//', '/./', '/../', '%2f', '%2F']) {
      if (text.includes(sequence)) errors.push(bad(`${at}.path`, text, `must not contain '${sequence}'`));
    }
    for (const suffix of ['/..', '/.']) {
      if (text.endsWith(suffix)) errors.push(bad(`${at}.path`, text, `cannot end with '${suffix}'`));
    }
  } else errors.push(...oneOf(`${at}.pathType`, type, PATH_TYPES));
  return [...errors, ...validateBackend(maybeMap(path, 'backend'), `${at}.backend`)];
}

/** Source: pkg/apis/networking/validation. */
export const ingressRules: KindRules = {
  prepareCreate(object) {
    asJson(object).status = { loadBalancer: {} };
  },
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    const rules = mapsAt(spec, 'rules');
    const backend = maybeMap(spec, 'defaultBackend');
    const errors: FieldError[] = [];
    if (rules.length === 0 && backend === undefined) {
      errors.push(bad('spec', spec, 'either `defaultBackend` or `rules` must be specified'));
    }
    if (backend !== undefined) errors.push(...validateBackend(backend, 'spec.defaultBackend'));
    rules.forEach((rule, index) => {
      const at = `spec.rules[${index}]`;
      const host = stringAt(rule, 'host');
      if (/^[\d.]+$|:/.test(host))
        errors.push(bad(`${at}.host`, host, 'must be a DNS name, not an IP address'));
      else if (host !== '') errors.push(...named(`${at}.host`, host, hostProblem(host)));
      const http = maybeMap(rule, 'http');
      if (http === undefined) return;
      const paths = mapsAt(http, 'paths');
      if (paths.length === 0) errors.push(required(`${at}.http.paths`));
      paths.forEach((path, place) => errors.push(...validatePath(path, `${at}.http.paths[${place}]`)));
    });
    mapsAt(spec, 'tls').forEach((tls, index) => {
      const hosts = Array.isArray(tls.hosts) ? tls.hosts : [];
      hosts.forEach((host, place) => {
        if (typeof host !== 'string') return;
        errors.push(...named(`spec.tls[${index}].hosts[${place}]`, host, hostProblem(host)));
      });
    });
    return errors;
  },
};

function validatePeer(peer: JsonObject, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let found = 0;
  for (const name of ['podSelector', 'namespaceSelector']) {
    const selector = maybeMap(peer, name);
    if (selector === undefined) continue;
    found += 1;
    errors.push(...validateLabelSelector(selector, `${field}.${name}`));
  }
  const block = maybeMap(peer, 'ipBlock');
  if (block !== undefined && stringAt(block, 'cidr') === '') errors.push(required(`${field}.ipBlock.cidr`));
  if (found === 0 && block === undefined) errors.push(required(field, 'must specify a peer'));
  if (found > 0 && block !== undefined) {
    const detail = 'may not specify both ipBlock and another peer';
    errors.push({ type: 'forbidden', field, detail });
  }
  return errors;
}

function validatePolicyRules(spec: JsonObject, direction: 'ingress' | 'egress', peers: string): FieldError[] {
  return mapsAt(spec, direction).flatMap((rule, index) => {
    const at = `spec.${direction}[${index}]`;
    return [
      ...mapsAt(rule, 'ports').flatMap((port, place) => {
        const field = `${at}.ports[${place}]`;
        const number =
          typeof port.port === 'string'
            ? portNameProblems(port.port).map((problem) => bad(`${field}.port`, port.port, problem))
            : portNumber(`${field}.port`, port.port);
        return [...oneOf(`${field}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']), ...number];
      }),
      ...mapsAt(rule, peers).flatMap((peer, place) => validatePeer(peer, `${at}.${peers}[${place}]`)),
    ];
  });
}

export const networkPolicyRules: KindRules = {
  defaults(object) {
    const spec = mapAt(asJson(object), 'spec');
    if (!Array.isArray(spec.policyTypes) || spec.policyTypes.length === 0) {
      spec.policyTypes = mapsAt(spec, 'egress').length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
    }
    for (const rule of [...mapsAt(spec, 'ingress'), ...mapsAt(spec, 'egress')]) {
      for (const port of mapsAt(rule, 'ports')) setDefault(port, 'protocol', 'TCP');
    }
  },
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    const types = Array.isArray(spec.policyTypes) ? spec.policyTypes : [];
    return [
      ...validateLabelSelector(maybeMap(spec, 'podSelector'), 'spec.podSelector'),
      ...validatePolicyRules(spec, 'ingress', 'from'),
      ...validatePolicyRules(spec, 'egress', 'to'),
      ...types.flatMap((type, index) => oneOf(`spec.policyTypes[${index}]`, type, ['Egress', 'Ingress'])),
    ];
  },
};
