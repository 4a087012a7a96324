import type { Environment } from '@marcbachmann/cel-js';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { celEnvironment, celValue, compile, COST_LIMIT, extentOf } from '../cel/index.ts';
import type { Compiled, Program } from '../cel/index.ts';
import { asJson, mapsAt, stringAt } from '../kinds/json-access.ts';
import type { AdmissionOperation } from '../machinery/admission.ts';
import { asServed } from '../machinery/object-meta.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import type { WriteRequest } from '../machinery/write-request.ts';

/** A write as admission sees it. */
export interface Asked {
  readonly operation: AdmissionOperation;
  readonly object: KubeObject;
  readonly old: KubeObject | undefined;
  readonly request: WriteRequest;
}

/** What expressions of admission may speak of. `params` only where the policy has a kind of parameters. */
export function admissionEnvironment(withParams: boolean): Environment {
  const env = celEnvironment();
  for (const name of ['object', 'oldObject', 'request', 'namespaceObject']) env.registerVariable(name, 'dyn');
  return withParams ? env.registerVariable('params', 'dyn') : env;
}

function requestVariable({ operation, object, request }: Asked): JsonObject {
  const { kind, user } = request;
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind };
  const gvr = { group: kind.group, version: kind.version, resource: kind.resource };
  return {
    kind: gvk,
    resource: gvr,
    subResource: request.subresource ?? '',
    requestKind: gvk,
    requestResource: gvr,
    requestSubResource: request.subresource ?? '',
    name: object.metadata.name,
    namespace: request.namespace ?? '',
    operation,
    userInfo: { username: user.name, uid: user.uid ?? '', groups: [...user.groups], extra: {} },
    dryRun: request.dryRun,
    options: {},
  };
}

export type Variables = Readonly<Record<string, unknown>>;

/** The variables of one write, and how much there is to walk over. */
export function admissionVariables(
  asked: Asked,
  namespaceObject: KubeObject | undefined,
): { readonly variables: Variables; readonly extent: ReturnType<typeof extentOf> } {
  const { kind } = asked.request;
  const served = (found: KubeObject | undefined) =>
    found === undefined ? null : asJson(asServed(kind, found));
  const object = asked.operation === 'DELETE' ? null : served(asked.object);
  const oldObject = served(asked.operation === 'DELETE' ? (asked.old ?? asked.object) : asked.old);
  const [a, b] = [extentOf(object), extentOf(oldObject)];
  return {
    extent: { items: Math.max(a.items, b.items), text: Math.max(a.text, b.text) },
    variables: {
      object: celValue(object),
      oldObject: celValue(oldObject),
      request: celValue(requestVariable(asked)),
      namespaceObject: namespaceObject === undefined ? null : celValue(asJson(namespaceObject)),
    },
  };
}

/** Runs one expression within its bound. Throws an Error that says what went wrong. */
export function runBounded(
  program: Program,
  variables: Variables,
  extent: ReturnType<typeof extentOf>,
): unknown {
  if (program.cost(extent) > COST_LIMIT) {
    throw new Error('operation cancelled: actual cost limit exceeded');
  }
  return program.run(variables);
}

export interface NamedProgram {
  readonly name: string;
  readonly compiled: Compiled;
}

export function compileConditions(of: JsonObject, env: Environment): NamedProgram[] {
  return mapsAt(of, 'matchConditions').map((condition) => ({
    name: stringAt(condition, 'name'),
    compiled: compile(env, stringAt(condition, 'expression'), ['bool']),
  }));
}

/** What is wrong with matchConditions, as fields below `path`. */
export function conditionProblems(of: JsonObject, path: string, env: Environment): FieldError[] {
  const names = new Set<string>();
  return compileConditions(of, env).flatMap(({ name, compiled }, index): FieldError[] => {
    const at = `${path}matchConditions[${index}]`;
    const problems: FieldError[] = [];
    if (name === '') problems.push({ type: 'required', field: `${at}.name`, detail: '' });
    else if (names.has(name))
      problems.push({ type: 'duplicate', field: `${at}.name`, value: name, detail: '' });
    names.add(name);
    const text = stringAt(mapsAt(of, 'matchConditions')[index], 'expression');
    if (text.trim() === '') problems.push({ type: 'required', field: `${at}.expression`, detail: '' });
    else if (compiled.problem !== undefined) {
      problems.push({ type: 'invalid', field: `${at}.expression`, value: text, detail: compiled.problem });
    }
    return problems;
  });
}

/**
 * Whether all conditions are met: one that is false decides before one that fails. Throws when one fails and none is
 * false. Source: apiserver's admission/plugin/webhook/matchconditions.
 */
export function conditionsMet(
  conditions: readonly NamedProgram[],
  variables: Variables,
  extent: ReturnType<typeof extentOf>,
): boolean {
  const failures: string[] = [];
  for (const { name, compiled } of conditions) {
    if (compiled.problem !== undefined) {
      failures.push(`match condition '${name}' cannot be used: ${compiled.problem}`);
      continue;
    }
    try {
      if (runBounded(compiled.program, variables, extent) !== true) return false;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures.push(`expression '${compiled.program.text}' resulted in error: ${reason}`);
    }
  }
  if (failures.length > 0) throw new Error(failures.join(', '));
  return true;
}
