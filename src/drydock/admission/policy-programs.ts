import type { Environment } from '@marcbachmann/cel-js';
import type { JsonObject } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { celClass, compile } from '../cel/index.ts';
import type { Compiled, Program } from '../cel/index.ts';
import { asJson, mapsAt, maybeMap, stringAt } from '../kinds/json-access.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { admissionEnvironment, compileConditions, conditionProblems } from './expressions.ts';
import type { NamedProgram, Variables } from './expressions.ts';

export interface PolicyValidation {
  readonly text: string;
  readonly compiled: Compiled;
  readonly message: string;
  readonly messageCompiled: Compiled | undefined;
  readonly reason: string;
}

/** The expressions of a ValidatingAdmissionPolicy. */
export interface PolicyPrograms {
  readonly conditions: readonly NamedProgram[];
  readonly validations: readonly PolicyValidation[];
  /** Adds `variables` to what expressions may speak of; each is worked out when it is first asked for. */
  withVariables(given: Variables, run: (program: Program, variables: Variables) => unknown): Variables;
  readonly problems: readonly FieldError[];
}

const programs = new WeakMap<KubeObject, PolicyPrograms>();

/** Compiled once for each stored form of a policy. */
export function policyPrograms(policy: KubeObject): PolicyPrograms {
  let known = programs.get(policy);
  if (known === undefined) {
    known = compilePolicy(maybeMap(asJson(policy), 'spec') ?? {});
    programs.set(policy, known);
  }
  return known;
}

const VARIABLES_TYPE = 'kubernetes.variables';

/** Compiles what a policy says; what cannot be compiled comes back as fields of it. */
export function compilePolicy(spec: JsonObject): PolicyPrograms {
  const problems: FieldError[] = [];
  const hasParams = isJsonObject(spec.paramKind);
  const plain = admissionEnvironment(hasParams);
  const conditions = compileConditions(spec, plain);
  problems.push(...conditionProblems(spec, 'spec.', plain));

  // One class for all environments, or a value of one would be none of another.
  const Made = celClass();
  const named: { readonly name: string; readonly program: Program }[] = [];
  const types: Record<string, string> = {};
  mapsAt(spec, 'variables').forEach((variable, index) => {
    const name = stringAt(variable, 'name');
    const text = stringAt(variable, 'expression');
    const at = `spec.variables[${index}]`;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      const detail = 'name is not a valid CEL identifier';
      problems.push({ type: 'invalid', field: `${at}.name`, value: name, detail });
      return;
    }
    const compiled = compile(withTypes(hasParams, types, Made), text, []);
    if (compiled.problem !== undefined) {
      problems.push({ type: 'invalid', field: `${at}.expression`, value: text, detail: compiled.problem });
      return;
    }
    named.push({ name, program: compiled.program });
    types[name] = /^(bool|int|uint|double|string|bytes)$/.test(compiled.program.type)
      ? compiled.program.type
      : 'dyn';
  });

  const env = withTypes(hasParams, types, Made);
  const validations = mapsAt(spec, 'validations').map((validation, index): PolicyValidation => {
    const at = `spec.validations[${index}]`;
    const text = stringAt(validation, 'expression').trim();
    const compiled = compile(env, text, ['bool']);
    if (text === '') problems.push({ type: 'required', field: `${at}.expression`, detail: '' });
    else if (compiled.problem !== undefined) {
      problems.push({ type: 'invalid', field: `${at}.expression`, value: text, detail: compiled.problem });
    }
    const expression = stringAt(validation, 'messageExpression');
    const messageCompiled = expression === '' ? undefined : compile(env, expression, ['string']);
    if (messageCompiled?.problem !== undefined) {
      const field = `${at}.messageExpression`;
      problems.push({ type: 'invalid', field, value: expression, detail: messageCompiled.problem });
    }
    const message = stringAt(validation, 'message').trim();
    return { text, compiled, message, messageCompiled, reason: stringAt(validation, 'reason') };
  });

  mapsAt(spec, 'auditAnnotations').forEach((annotation, index) => {
    const text = stringAt(annotation, 'valueExpression');
    const { problem } = compile(env, text, ['string', 'null']);
    if (problem === undefined) return;
    const field = `spec.auditAnnotations[${index}].valueExpression`;
    problems.push({ type: 'invalid', field, value: text, detail: problem });
  });

  return {
    conditions,
    validations,
    problems,
    withVariables(given, run) {
      const made = new Made();
      const all = { ...given, variables: made };
      for (const { name, program } of named) {
        let worked: { readonly value: unknown } | undefined;
        Object.defineProperty(made, name, {
          enumerable: true,
          get: () => (worked ??= { value: run(program, all) }).value,
        });
      }
      return all;
    },
  };
}

function withTypes(
  hasParams: boolean,
  types: Readonly<Record<string, string>>,
  ctor: new () => object,
): Environment {
  return admissionEnvironment(hasParams)
    .registerType(VARIABLES_TYPE, { ctor, fields: { ...types } })
    .registerVariable('variables', VARIABLES_TYPE);
}
