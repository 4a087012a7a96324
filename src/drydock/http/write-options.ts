import type { JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import type { DeleteOptions } from '../api/contract.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import { badRequest, invalid } from '../machinery/status-errors.ts';
import type { FieldValidation, WriteRequest } from '../machinery/write-request.ts';
import { isTrue, type Exchange } from './exchange.ts';

/** Fields of the query that every write has. */
export function writeRequest(
  exchange: Exchange,
  kind: ResourceKind,
  namespace: string | undefined,
  subresource: string | undefined,
): WriteRequest {
  const { query } = exchange;
  return {
    kind,
    namespace: kind.namespaced ? namespace : undefined,
    subresource,
    user: exchange.user,
    fieldManager: query.get('fieldManager') ?? managerOfAgent(exchange.request.headers['user-agent']),
    dryRun: isDryRun(query.getAll('dryRun')),
    fieldValidation: fieldValidation(query.get('fieldValidation')),
    force: isTrue(query.get('force')),
    trusted: false,
    warn: (text) => exchange.warnings.push(text),
  };
}

/** `kubectl/v1.32 (linux)` writes as `kubectl`. */
function managerOfAgent(agent: string | undefined): string {
  return (agent ?? '').split('/', 1)[0]?.slice(0, 128) || 'unknown';
}

function isDryRun(values: readonly string[]): boolean {
  const given = values.filter((value) => value !== '');
  if (given.length === 0) return false;
  const wrong = given.find((value) => value !== 'All');
  if (wrong !== undefined) {
    throw invalid('meta.k8s.io', 'CreateOptions', '', [
      { type: 'unsupported', field: 'dryRun', value: wrong, detail: 'supported values: "All"' },
    ]);
  }
  return true;
}

function fieldValidation(value: string | null): FieldValidation {
  if (value === null || value === '') return 'Warn';
  if (value === 'Strict' || value === 'Warn' || value === 'Ignore') return value;
  throw invalid('meta.k8s.io', 'CreateOptions', '', [
    {
      type: 'unsupported',
      field: 'fieldValidation',
      value,
      detail: 'supported values: "Ignore", "Strict", "Warn"',
    },
  ]);
}

function readPolicy(value: unknown): DeleteOptions['propagationPolicy'] | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (value === 'Background' || value === 'Foreground' || value === 'Orphan') return value;
  throw invalid('meta.k8s.io', 'DeleteOptions', '', [
    {
      type: 'unsupported',
      field: 'propagationPolicy',
      value,
      detail: 'supported values: "Foreground", "Background", "Orphan", "nil"',
    },
  ]);
}

export interface ReadDelete {
  readonly options: DeleteOptions;
  readonly dryRun: boolean;
}

/** Options of a DELETE: its body, or its query where there is no body. */
export function deleteOptions(exchange: Exchange, body: JsonValue | undefined): ReadDelete {
  const { query } = exchange;
  const given = isJsonObject(body) ? body : {};
  const grace = given.gracePeriodSeconds ?? numberOf(query.get('gracePeriodSeconds'));
  if (typeof grace === 'number' && grace < 0) {
    throw invalid('meta.k8s.io', 'DeleteOptions', '', [
      {
        type: 'invalid',
        field: 'gracePeriodSeconds',
        value: grace,
        detail: 'must be greater than or equal to 0',
      },
    ]);
  }
  const orphan = given.orphanDependents ?? booleanOf(query.get('orphanDependents'));
  const policy =
    readPolicy(given.propagationPolicy ?? query.get('propagationPolicy')) ??
    (orphan === true ? 'Orphan' : orphan === false ? 'Background' : undefined);
  const preconditions = isJsonObject(given.preconditions) ? given.preconditions : {};
  const { uid, resourceVersion } = preconditions;
  const dryRun = [...query.getAll('dryRun'), ...(Array.isArray(given.dryRun) ? given.dryRun : [])];
  return {
    options: {
      ...(typeof grace === 'number' ? { gracePeriodSeconds: grace } : {}),
      ...(policy === undefined ? {} : { propagationPolicy: policy }),
      preconditions: {
        ...(typeof uid === 'string' ? { uid } : {}),
        ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
      },
    },
    dryRun: isDryRun(dryRun.filter((value): value is string => typeof value === 'string')),
  };
}

function numberOf(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (!Number.isInteger(value)) throw badRequest(`gracePeriodSeconds is not a number: ${text.slice(0, 32)}`);
  return value;
}

function booleanOf(text: string | null): boolean | undefined {
  return text === null || text === '' ? undefined : isTrue(text);
}
