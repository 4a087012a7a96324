import type { JsonObject } from '../../kernel/index.ts';
import { mapAt, mapsAt, maybeMap, numberAt, setDefault, stringAt } from './json-access.ts';

const FILE_MODE = 0o644;
const VOLUME_NAME = 'name';

/**
 * The policy that an image gets when none is written: Always for the tag `latest` or no tag at all, IfNotPresent for
 * every other tag and for a digest without a tag. `:latest@sha256:...` counts as latest.
 * Source: pkg/apis/core/v1/defaults.go and pkg/util/parsers.
 */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  const [reference = '', digest] = image.split('@', 2);
  const afterSlash = reference.slice(reference.lastIndexOf('/') + 1);
  const colon = afterSlash.indexOf(':');
  const tag = colon < 0 ? '' : afterSlash.slice(colon + 1);
  if (tag === 'latest') return 'Always';
  return tag === '' && digest === undefined ? 'Always' : 'IfNotPresent';
}

function httpGetDefaults(handler: JsonObject | undefined): void {
  const httpGet = maybeMap(handler, 'httpGet');
  if (httpGet === undefined) return;
  setDefault(httpGet, 'path', '/');
  setDefault(httpGet, 'scheme', 'HTTP');
}

function probeDefaults(probe: JsonObject | undefined): void {
  if (probe === undefined) return;
  if (numberAt(probe, 'timeoutSeconds') === 0) probe.timeoutSeconds = 1;
  if (numberAt(probe, 'periodSeconds') === 0) probe.periodSeconds = 10;
  if (numberAt(probe, 'successThreshold') === 0) probe.successThreshold = 1;
  if (numberAt(probe, 'failureThreshold') === 0) probe.failureThreshold = 3;
  httpGetDefaults(probe);
  const grpc = maybeMap(probe, 'grpc');
  if (grpc !== undefined) grpc.service ??= '';
}

function fieldRefDefaults(holder: JsonObject | undefined): void {
  const fieldRef = maybeMap(holder, 'fieldRef');
  if (fieldRef !== undefined) setDefault(fieldRef, 'apiVersion', 'v1');
}

function containerDefaults(container: JsonObject): void {
  setDefault(container, 'imagePullPolicy', defaultPullPolicy(stringAt(container, 'image')));
  setDefault(container, 'terminationMessagePath', '/dev/termination-log');
  setDefault(container, 'terminationMessagePolicy', 'File');
  for (const port of mapsAt(container, 'ports')) setDefault(port, 'protocol', 'TCP');
  for (const variable of mapsAt(container, 'env')) fieldRefDefaults(maybeMap(variable, 'valueFrom'));
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    probeDefaults(maybeMap(container, probe));
  }
  const lifecycle = maybeMap(container, 'lifecycle');
  httpGetDefaults(maybeMap(lifecycle, 'postStart'));
  httpGetDefaults(maybeMap(lifecycle, 'preStop'));
}

/** What sources of volumes are given, by their names. Of pods and of PersistentVolumes alike. */
const SOURCE_DEFAULTS: Readonly<Record<string, JsonObject>> = {
  hostPath: { type: '' },
  iscsi: { iscsiInterface: 'default' },
  rbd: { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' },
  azureDisk: { cachingMode: 'ReadWrite', kind: 'Shared', fsType: 'ext4', readOnly: false },
  scaleIO: { storageMode: 'ThinProvisioned', fsType: 'xfs' },
};

export function sourceDefaults(holder: JsonObject): void {
  for (const [name, values] of Object.entries(SOURCE_DEFAULTS)) {
    const source = maybeMap(holder, name);
    if (source === undefined) continue;
    for (const [key, value] of Object.entries(values)) source[key] ??= value;
  }
}

function volumeDefaults(volume: JsonObject): void {
  if (Object.keys(volume).every((key) => key === VOLUME_NAME)) volume.emptyDir = {};
  for (const source of ['secret', 'configMap', 'downwardAPI', 'projected']) {
    const found = maybeMap(volume, source);
    if (found === undefined) continue;
    if (found.defaultMode === undefined) found.defaultMode = FILE_MODE;
    for (const item of mapsAt(found, 'items')) fieldRefDefaults(item);
    for (const projection of mapsAt(found, 'sources')) {
      for (const item of mapsAt(maybeMap(projection, 'downwardAPI'), 'items')) fieldRefDefaults(item);
      const token = maybeMap(projection, 'serviceAccountToken');
      if (token !== undefined && token.expirationSeconds === undefined) token.expirationSeconds = 3600;
    }
  }
  sourceDefaults(volume);
  const ephemeral = maybeMap(maybeMap(volume, 'ephemeral'), 'volumeClaimTemplate');
  const claim = maybeMap(ephemeral, 'spec');
  if (claim !== undefined) setDefault(claim, 'volumeMode', 'Filesystem');
}

/** What a pod template gets. Source: pkg/apis/core/v1/defaults.go, SetDefaults_PodSpec and below. */
export function podSpecDefaults(spec: JsonObject): void {
  setDefault(spec, 'dnsPolicy', 'ClusterFirst');
  setDefault(spec, 'restartPolicy', 'Always');
  if (spec.hostNetwork === true) {
    for (const container of [...mapsAt(spec, 'containers'), ...mapsAt(spec, 'initContainers')]) {
      for (const port of mapsAt(container, 'ports')) {
        if (numberAt(port, 'hostPort') === 0) port.hostPort = numberAt(port, 'containerPort');
      }
    }
  }
  mapAt(spec, 'securityContext');
  if (spec.terminationGracePeriodSeconds === undefined) spec.terminationGracePeriodSeconds = 30;
  setDefault(spec, 'schedulerName', 'default-scheduler');
  const account = stringAt(spec, 'serviceAccountName') || stringAt(spec, 'serviceAccount');
  if (account !== '') {
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
  }
  for (const list of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const container of mapsAt(spec, list)) containerDefaults(container);
  }
  for (const volume of mapsAt(spec, 'volumes')) volumeDefaults(volume);
}

/** What a pod gets beyond its template: limits become requests where none are written. */
export function podDefaults(spec: JsonObject): void {
  podSpecDefaults(spec);
  if (spec.enableServiceLinks === undefined) spec.enableServiceLinks = true;
  for (const list of ['initContainers', 'containers']) {
    for (const container of mapsAt(spec, list)) {
      const resources = maybeMap(container, 'resources');
      const limits = maybeMap(resources, 'limits');
      if (resources === undefined || limits === undefined) continue;
      const requests = mapAt(resources, 'requests');
      for (const [name, amount] of Object.entries(limits)) {
        if (requests[name] === undefined) requests[name] = amount;
      }
    }
  }
}
