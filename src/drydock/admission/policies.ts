import type { JsonObject } from '../../kernel/index.ts';
import { messageOf } from '../../kernel/index.ts';
import { ApiStatusError, type KubeObject } from '../api/contract.ts';
import { celValue } from '../cel/index.ts';
import type { Program } from '../cel/index.ts';
import { asJson, maybeMap, stringAt } from '../kinds/json-access.ts';
import type { AdmissionOperation, AdmissionPlugin } from '../machinery/admission.ts';
import type { Engine } from '../machinery/engine.ts';
import { selectorMatchesLabels } from '../machinery/label-selectors.ts';
import { forbidden } from '../machinery/status-errors.ts';
import type { WriteRequest } from '../machinery/write-request.ts';
import { admissionVariables, conditionsMet, runBounded } from './expressions.ts';
import type { Asked, Variables } from './expressions.ts';
import { policyPrograms } from './policy-programs.ts';
import type { PolicyValidation } from './policy-programs.ts';
import { matchesResources } from './webhook-match.ts';

const GROUP = 'admissionregistration.k8s.io';
const POLICIES = `${GROUP}/validatingadmissionpolicies`;
const BINDINGS = `${GROUP}/validatingadmissionpolicybindings`;

/** Kinds that no policy is asked about, or a wrong one could not be mended, and questions that change nothing. */
const EXEMPT: ReadonlySet<string> = new Set([
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
]);

const CODES: Readonly<Record<string, number>> = {
  Unauthorized: 401,
  Forbidden: 403,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

interface Decision {
  readonly message: string;
  readonly reason: string;
}

/** Policies in the API server's own language. Source: apiserver's admission/plugin/policy/validating. */
export function validatingPolicies(engine: Engine): AdmissionPlugin {
  const { store, catalogue } = engine;

  function parameters(policy: JsonObject, binding: JsonObject, namespace: string | undefined) {
    const kindOf = maybeMap(policy, 'paramKind');
    const reference = maybeMap(binding, 'paramRef');
    if (kindOf === undefined) return [null];
    if (reference === undefined) return [null];
    const kind = catalogue.findKind(stringAt(kindOf, 'apiVersion'), stringAt(kindOf, 'kind'));
    if (kind === undefined) {
      throw new Error(
        `failed to find resource referenced by paramKind: '${stringAt(kindOf, 'apiVersion')}, Kind=${stringAt(kindOf, 'kind')}'`,
      );
    }
    const within = kind.namespaced ? stringAt(reference, 'namespace') || namespace : undefined;
    const selector = maybeMap(reference, 'selector');
    const found = store
      .table(kind.table)
      .sorted()
      .filter((entry) => entry.namespace === within)
      .filter((entry) =>
        selector === undefined
          ? entry.name === stringAt(reference, 'name')
          : selectorMatchesLabels(selector, entry.object.metadata.labels ?? {}),
      )
      .map((entry) => entry.object);
    if (found.length > 0) return found;
    if (stringAt(reference, 'parameterNotFoundAction') === 'Allow') return [];
    throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction');
  }

  function decide(policy: KubeObject, binding: JsonObject, asked: Asked): Decision[] {
    const spec = maybeMap(asJson(policy), 'spec') ?? {};
    const ignores = stringAt(spec, 'failurePolicy') === 'Ignore';
    const failed = (message: string): Decision[] => (ignores ? [] : [{ message, reason: '' }]);
    const { request } = asked;
    const namespaceName =
      request.kind.kind === 'Namespace' ? asked.object.metadata.name : asked.object.metadata.namespace;
    const namespaceObject = store.get('/namespaces', undefined, namespaceName ?? '')?.object;
    const { variables, extent } = admissionVariables(asked, namespaceObject);
    const programs = policyPrograms(policy);
    const run: Run = (program, given) => runBounded(program, given, extent);
    let params: readonly (KubeObject | null)[];
    try {
      params = parameters(spec, binding, request.namespace);
    } catch (error) {
      return failed(`failed to configure binding: ${messageOf(error)}`);
    }
    const decisions: Decision[] = [];
    for (const param of params) {
      const given: Variables = {
        ...variables,
        ...(spec.paramKind === undefined ? {} : paramVariable(param)),
      };
      try {
        if (!conditionsMet(programs.conditions, given, extent)) continue;
      } catch (error) {
        decisions.push(...failed(messageOf(error)));
        continue;
      }
      const all = programs.withVariables(given, run);
      for (const validation of programs.validations) {
        const decision = judge(validation, all, run);
        if (decision === undefined) continue;
        if ('failure' in decision) decisions.push(...failed(decision.failure));
        else decisions.push(decision);
      }
    }
    return decisions;
  }

  return {
    name: 'ValidatingAdmissionPolicy',
    validate(operation: AdmissionOperation, object, old, request: WriteRequest) {
      const bindings = store.table(BINDINGS);
      if (bindings.entries.size === 0) return;
      const { kind } = request;
      if (kind.group === GROUP && EXEMPT.has(kind.resource)) return;
      const asked: Asked = { operation, object, old, request };
      let denial: ApiStatusError | undefined;
      for (const entry of bindings.sorted()) {
        const binding = maybeMap(asJson(entry.object), 'spec') ?? {};
        const policy = store.get(POLICIES, undefined, stringAt(binding, 'policyName'))?.object;
        if (policy === undefined) continue;
        const constraints = maybeMap(maybeMap(asJson(policy), 'spec'), 'matchConstraints');
        if (constraints === undefined || !matchesResources(constraints, asked, store)) continue;
        const narrower = maybeMap(binding, 'matchResources');
        if (narrower !== undefined && !matchesResources(narrower, asked, store)) continue;
        const actions = Array.isArray(binding.validationActions) ? binding.validationActions : ['Deny'];
        for (const { message, reason } of decide(policy, binding, asked)) {
          const names = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${entry.name}'`;
          if (actions.includes('Warn')) request.warn(`Validation failed for ${names}: ${message}`);
          if (!actions.includes('Deny')) continue;
          denial ??= denied(request, object, `${names} denied request: ${message}`, reason);
        }
      }
      if (denial !== undefined) throw denial;
    },
  };
}

type Run = (program: Program, given: Variables) => unknown;

function paramVariable(param: KubeObject | null): Variables {
  return { params: param === null ? null : celValue(asJson(param)) };
}

/** Undefined when the write is as the policy wants it. */
function judge(
  { compiled, text, message, messageCompiled, reason }: PolicyValidation,
  variables: Variables,
  run: Run,
): Decision | { readonly failure: string } | undefined {
  if (compiled.program === undefined) return { failure: compiled.problem };
  try {
    if (run(compiled.program, variables) === true) return undefined;
  } catch (error) {
    return { failure: `expression '${text}' resulted in error: ${messageOf(error)}` };
  }
  const plain = message === '' ? `failed expression: ${text}` : message;
  return { message: messageFrom(messageCompiled?.program, variables, run) ?? plain, reason };
}

/** One line of text, or undefined where the expression gives none. */
function messageFrom(program: Program | undefined, variables: Variables, run: Run): string | undefined {
  if (program === undefined) return undefined;
  try {
    const made = run(program, variables);
    const text = typeof made === 'string' ? made.trim() : '';
    return text === '' || text.includes('\n') || text.length > MAX_MESSAGE ? undefined : text;
  } catch {
    return undefined;
  }
}

const MAX_MESSAGE = 5 * 1024;

function denied(request: WriteRequest, object: KubeObject, message: string, reason: string): ApiStatusError {
  const status = forbidden(request.kind, object.metadata.name, message, { causes: [{ message }] });
  const shown = reason === '' ? 'Invalid' : reason;
  return new ApiStatusError(CODES[shown] ?? 422, shown, status.message, status.details);
}
