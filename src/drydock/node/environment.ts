import { LandfallError } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { quantity } from '../controllers/index.ts';
import type { Container, EnvSource, Node, Pod, Service } from '../controllers/index.ts';

export interface EnvironmentSources {
  readonly pod: Pod;
  readonly node: Node | undefined;
  readonly podIP: string;
  readonly hostIP: string;
  /** Services that the pod learns of by its environment. */
  readonly services: readonly Service[];
  readonly configMap: (name: string) => KubeObject | undefined;
  readonly secret: (name: string) => KubeObject | undefined;
}

/** A variable that cannot be made: the reason that the pod's status shows is CreateContainerConfigError. */
function unusable(message: string): LandfallError {
  return new LandfallError(message, { kind: 'invalid-input', code: 'container-config' });
}

/** The variables of a container, in the kubelet's order: Services, envFrom, env; later ones win, `$(NAME)` expands. */
export function containerEnvironment(
  container: Container,
  sources: EnvironmentSources,
): Record<string, string> {
  const services =
    sources.pod.spec.enableServiceLinks === false ? sources.services.filter(isMaster) : sources.services;
  const result: Record<string, string> = serviceVariables(services);
  for (const source of container.envFrom ?? []) {
    const { prefix = '', configMapRef, secretRef } = source;
    const values =
      configMapRef === undefined
        ? secretValues(secretRef?.name ?? '', secretRef?.optional, sources)
        : configValues(configMapRef.name ?? '', configMapRef.optional, sources);
    for (const [name, value] of Object.entries(values)) result[prefix + name] = value;
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (valueFrom === undefined) {
      result[name] = expand(value ?? '', result);
      continue;
    }
    const found = fromSource(valueFrom, container, sources);
    if (found !== undefined) result[name] = found;
  }
  return result;
}

/** Replaces `$(NAME)` by its value; `$$` is a dollar; what is unknown stays as it is written. */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([^()]*)\)/g, (whole, name: string | undefined) => {
    if (whole === '$$') return '$';
    return name !== undefined && Object.hasOwn(variables, name) ? (variables[name] ?? '') : whole;
  });
}

function isMaster(service: Service): boolean {
  return service.metadata.namespace === 'default' && service.metadata.name === 'kubernetes';
}

function serviceVariables(services: readonly Service[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const service of services) {
    const ip = service.spec.clusterIP ?? '';
    const first = service.spec.ports?.[0];
    if (ip === '' || ip === 'None' || first === undefined) continue;
    const name = service.metadata.name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
    result[`${name}_SERVICE_HOST`] = ip;
    result[`${name}_SERVICE_PORT`] = String(first.port);
    for (const port of service.spec.ports ?? []) {
      const protocol = (port.protocol ?? 'TCP').toUpperCase();
      if (port.name !== undefined && port.name !== '') {
        result[`${name}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`] = String(port.port);
      }
      const prefix = `${name}_PORT_${port.port}_${protocol}`;
      const url = `${protocol.toLowerCase()}://${ip}:${port.port}`;
      if (port === first) result[`${name}_PORT`] = url;
      result[prefix] = url;
      result[`${prefix}_PROTO`] = protocol.toLowerCase();
      result[`${prefix}_PORT`] = String(port.port);
      result[`${prefix}_ADDR`] = ip;
    }
  }
  return result;
}

function configValues(
  name: string,
  optional: boolean | undefined,
  { configMap }: EnvironmentSources,
): Readonly<Record<string, string>> {
  const found = configMap(name);
  if (found !== undefined) return (found['data'] ?? {}) as Record<string, string>;
  if (optional === true) return {};
  throw unusable(`configmap "${name}" not found`);
}

function secretValues(
  name: string,
  optional: boolean | undefined,
  { secret }: EnvironmentSources,
): Readonly<Record<string, string>> {
  const found = secret(name);
  if (found !== undefined) return decoded(found);
  if (optional === true) return {};
  throw unusable(`secret "${name}" not found`);
}

function decoded(secret: KubeObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries((secret['data'] ?? {}) as Record<string, string>).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString('utf8'),
    ]),
  );
}

function fromSource(
  source: EnvSource,
  container: Container,
  sources: EnvironmentSources,
): string | undefined {
  const { pod } = sources;
  if (source.fieldRef !== undefined) return fieldValue(source.fieldRef.fieldPath, sources);
  if (source.resourceFieldRef !== undefined)
    return resourceValue(source.resourceFieldRef, container, sources);
  const namespace = pod.metadata.namespace ?? '';
  if (source.configMapKeyRef !== undefined) {
    const { name = '', key, optional } = source.configMapKeyRef;
    const value = configValues(name, optional, sources)[key];
    if (value === undefined && optional !== true) {
      throw unusable(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    }
    return value;
  }
  if (source.secretKeyRef !== undefined) {
    const { name = '', key, optional } = source.secretKeyRef;
    const value = secretValues(name, optional, sources)[key];
    if (value === undefined && optional !== true) {
      throw unusable(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    }
    return value;
  }
  return undefined;
}

function fieldValue(fieldPath: string, sources: EnvironmentSources): string {
  if (/^status\.hostIPs?$/.test(fieldPath)) return sources.hostIP;
  if (/^status\.podIPs?$/.test(fieldPath)) return sources.podIP;
  return podField(fieldPath, sources.pod);
}

function podField(fieldPath: string, pod: Pod): string {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (keyed !== null) {
    const map = keyed[1] === 'labels' ? pod.metadata.labels : pod.metadata.annotations;
    return map?.[keyed[2] ?? ''] ?? '';
  }
  switch (fieldPath) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'spec.nodeName':
      return pod.spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    default:
      throw unusable(`unsupported fieldPath: ${fieldPath}`);
  }
}

function resourceValue(
  ref: NonNullable<EnvSource['resourceFieldRef']>,
  container: Container,
  { pod, node }: EnvironmentSources,
): string {
  const name = ref.containerName ?? container.name;
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const target = all.find((candidate) => candidate.name === name);
  const [kind = '', resource = ''] = ref.resource.split('.');
  const declared = kind === 'limits' ? target?.resources?.limits : target?.resources?.requests;
  const value =
    declared?.[resource] ?? (kind === 'limits' ? node?.status?.allocatable?.[resource] : undefined);
  const divisor = quantity(ref.divisor ?? '1') || 1;
  return String(Math.ceil(quantity(value) / divisor));
}

/** The files of a downward API volume. Labels and annotations as a whole are one `key="value"` a line. */
export function downwardFiles(
  pod: Pod,
  items: readonly { readonly path: string; readonly fieldRef?: { readonly fieldPath: string } }[],
): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const { path, fieldRef } of items) {
    if (fieldRef === undefined) throw unusable('only fieldRef is supported in downward API volumes');
    const whole = /^metadata\.(labels|annotations)$/.exec(fieldRef.fieldPath)?.[1];
    const map = whole === 'labels' ? pod.metadata.labels : pod.metadata.annotations;
    const text =
      whole === undefined
        ? podField(fieldRef.fieldPath, pod)
        : Object.entries(map ?? {})
            .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
            .join('\n');
    files.set(path, Buffer.from(text));
  }
  return files;
}
