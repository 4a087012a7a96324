import { indexTable, parseField, type Field, type StructType } from './notation.ts';
import { AUTHENTICATION_TYPES, AUTHORIZATION_TYPES } from './tables/access.ts';
import {
  API_REGISTRATION_TYPES,
  CERTIFICATES_TYPES,
  COORDINATION_TYPES,
  DISCOVERY_TYPES,
  EVENTS_TYPES,
  FLOWCONTROL_TYPES,
  NETWORKING_TYPES,
  NODE_TYPES,
  RBAC_TYPES,
  SCHEDULING_TYPES,
  STORAGE_TYPES,
} from './tables/cluster.ts';
import { CORE_TYPES } from './tables/core.ts';
import { ADMISSION_REGISTRATION_TYPES, API_EXTENSIONS_TYPES } from './tables/extension.ts';
import { META_TYPES } from './tables/meta.ts';
import {
  APPS_TYPES,
  AUTOSCALING_V1_TYPES,
  AUTOSCALING_V2_TYPES,
  BATCH_TYPES,
  POLICY_TYPES,
} from './tables/workloads.ts';

/** Each table with the package that OpenAPI names its types by. */
const TABLES: Readonly<Record<string, { readonly text: string; readonly openApiPackage: string }>> = {
  meta: { text: META_TYPES, openApiPackage: 'io.k8s.apimachinery.pkg.apis.meta.v1' },
  core: { text: CORE_TYPES, openApiPackage: 'io.k8s.api.core.v1' },
  apps: { text: APPS_TYPES, openApiPackage: 'io.k8s.api.apps.v1' },
  batch: { text: BATCH_TYPES, openApiPackage: 'io.k8s.api.batch.v1' },
  autoscaling: { text: AUTOSCALING_V1_TYPES, openApiPackage: 'io.k8s.api.autoscaling.v1' },
  autoscaling2: { text: AUTOSCALING_V2_TYPES, openApiPackage: 'io.k8s.api.autoscaling.v2' },
  policy: { text: POLICY_TYPES, openApiPackage: 'io.k8s.api.policy.v1' },
  rbac: { text: RBAC_TYPES, openApiPackage: 'io.k8s.api.rbac.v1' },
  networking: { text: NETWORKING_TYPES, openApiPackage: 'io.k8s.api.networking.v1' },
  discovery: { text: DISCOVERY_TYPES, openApiPackage: 'io.k8s.api.discovery.v1' },
  events: { text: EVENTS_TYPES, openApiPackage: 'io.k8s.api.events.v1' },
  coordination: { text: COORDINATION_TYPES, openApiPackage: 'io.k8s.api.coordination.v1' },
  scheduling: { text: SCHEDULING_TYPES, openApiPackage: 'io.k8s.api.scheduling.v1' },
  storage: { text: STORAGE_TYPES, openApiPackage: 'io.k8s.api.storage.v1' },
  node: { text: NODE_TYPES, openApiPackage: 'io.k8s.api.node.v1' },
  certificates: { text: CERTIFICATES_TYPES, openApiPackage: 'io.k8s.api.certificates.v1' },
  admission: { text: ADMISSION_REGISTRATION_TYPES, openApiPackage: 'io.k8s.api.admissionregistration.v1' },
  apiextensions: {
    text: API_EXTENSIONS_TYPES,
    openApiPackage: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1',
  },
  apiregistration: {
    text: API_REGISTRATION_TYPES,
    openApiPackage: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1',
  },
  flowcontrol: { text: FLOWCONTROL_TYPES, openApiPackage: 'io.k8s.api.flowcontrol.v1' },
  authentication: { text: AUTHENTICATION_TYPES, openApiPackage: 'io.k8s.api.authentication.v1' },
  authorization: { text: AUTHORIZATION_TYPES, openApiPackage: 'io.k8s.api.authorization.v1' },
};

const indexes = new Map<string, ReadonlyMap<string, string>>();
const parsed = new Map<string, StructType>();

function lineOf(id: string): string | undefined {
  const dot = id.indexOf('.');
  const table = id.slice(0, dot);
  let index = indexes.get(table);
  if (index === undefined) {
    const source = Object.hasOwn(TABLES, table) ? TABLES[table] : undefined;
    if (source === undefined) return undefined;
    index = indexTable(source.text);
    indexes.set(table, index);
  }
  return index.get(id.slice(dot + 1));
}

/** The type of that id (`apps.DeploymentSpec`); throws for an id that no table has, which is a slip in our own code. */
export function structType(id: string): StructType {
  const known = parsed.get(id);
  if (known !== undefined) return known;
  const line = lineOf(id);
  if (line === undefined) throw new Error(`No table has the type '${id}'.`);
  const table = id.slice(0, id.indexOf('.'));
  const words = line.split(/\s+/).filter((word) => word !== '');
  const atomic = words[0] === '@atomic';
  const wireFields = words.slice(atomic ? 1 : 0).map((word) => parseField(word, table));
  const fields = new Map<string, Field>();
  for (const field of wireFields) {
    if (field.inline && field.shape.shape === 'struct') {
      for (const inner of structType(field.shape.type).fields.values()) fields.set(inner.name, inner);
    } else {
      fields.set(field.name, field);
    }
  }
  const type: StructType = { id, atomic, fields, wireFields };
  parsed.set(id, type);
  return type;
}

/** `apps.DeploymentSpec` as OpenAPI names it: `io.k8s.api.apps.v1.DeploymentSpec`. */
export function openApiName(id: string): string {
  const dot = id.indexOf('.');
  const table = TABLES[id.slice(0, dot)];
  return `${table?.openApiPackage ?? id.slice(0, dot)}.${id.slice(dot + 1)}`;
}

/** Every type id there is, for tests that read all tables. */
export function allTypeIds(): string[] {
  return Object.entries(TABLES).flatMap(([name, table]) =>
    [...indexTable(table.text).keys()].map((type) => `${name}.${type}`),
  );
}
