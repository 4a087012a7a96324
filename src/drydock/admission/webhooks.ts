import { randomUUID } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { messageOf } from '../../kernel/index.ts';
import { ApiStatusError, type KubeObject } from '../api/contract.ts';
import { asJson, mapsAt, maybeMap, numberAt, stringAt } from '../kinds/json-access.ts';
import type { AdmissionOperation, AdmissionPlugin } from '../machinery/admission.ts';
import { applyJsonPatch } from '../machinery/json-patch.ts';
import { asServed, decodeObject } from '../machinery/object-meta.ts';
import { forbidden } from '../machinery/status-errors.ts';
import type { WriteRequest } from '../machinery/write-request.ts';
import type { Store } from '../store/store.ts';
import { admissionEnvironment, admissionVariables, compileConditions, conditionsMet } from './expressions.ts';
import type { Asked, NamedProgram } from './expressions.ts';
import { callWebhook, type ServiceResolver } from './webhook-call.ts';
import { isAsked } from './webhook-match.ts';

const GROUP = 'admissionregistration.k8s.io';
const VERBS: Readonly<Record<AdmissionOperation, string>> = {
  CREATE: 'create',
  UPDATE: 'update',
  DELETE: 'delete',
};

function reviewOf({ operation, object, old, request }: Asked): JsonObject {
  const { kind, user } = request;
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind };
  const gvr = { group: kind.group, version: kind.version, resource: kind.resource };
  const served = (found: KubeObject | undefined) =>
    found === undefined ? null : asJson(asServed(kind, found));
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: randomUUID(),
      kind: gvk,
      resource: gvr,
      ...(request.subresource === undefined ? {} : { subResource: request.subresource }),
      requestKind: gvk,
      requestResource: gvr,
      name: object.metadata.name,
      ...(request.namespace === undefined ? {} : { namespace: request.namespace }),
      operation,
      userInfo: { username: user.name, groups: [...user.groups] },
      object: operation === 'DELETE' ? null : served(object),
      oldObject: served(old),
      dryRun: request.dryRun,
      options: {
        kind: `${VERBS[operation].replace(/^./, (letter) => letter.toUpperCase())}Options`,
        apiVersion: 'meta.k8s.io/v1',
      },
    },
  };
}

/** Of stored, frozen webhooks. */
const conditions = new WeakMap<JsonObject, readonly NamedProgram[]>();

function denied(name: string, response: JsonObject): ApiStatusError {
  const status = maybeMap(response, 'status') ?? {};
  const message = stringAt(status, 'message') || stringAt(status, 'reason');
  const code = numberAt(status, 'code') || 403;
  return new ApiStatusError(
    code,
    stringAt(status, 'reason') || (code === 403 ? 'Forbidden' : ''),
    `admission webhook ${JSON.stringify(name)} denied the request${message === '' ? ' without explanation' : `: ${message}`}`,
  );
}

/** Mutating and validating webhooks, asked over HTTP. Source: apiserver's admission/plugin/webhook. */
export class Webhooks implements AdmissionPlugin {
  readonly name = 'Webhooks';
  readonly #store: Store;
  #resolve: ServiceResolver = () => undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** How webhooks are found that run in the cluster. */
  setResolver(resolve: ServiceResolver): void {
    this.#resolve = resolve;
  }

  mutateRemote(
    operation: AdmissionOperation,
    object: KubeObject,
    old: KubeObject | undefined,
    request: WriteRequest,
  ): Promise<KubeObject> | undefined {
    const asked: Asked = { operation, object, old, request };
    const hooks = this.#hooksFor('mutatingwebhookconfigurations', asked);
    return hooks.length === 0 ? undefined : this.#mutate(hooks, asked);
  }

  validateRemote(
    operation: AdmissionOperation,
    object: KubeObject,
    old: KubeObject | undefined,
    request: WriteRequest,
  ): Promise<void> | undefined {
    const asked: Asked = { operation, object, old, request };
    const hooks = this.#hooksFor('validatingwebhookconfigurations', asked);
    if (hooks.length === 0) return undefined;
    return Promise.all(hooks.map((hook) => this.#ask(hook, asked))).then(() => undefined);
  }

  #hooksFor(resource: string, asked: Asked): JsonObject[] {
    const table = this.#store.table(`${GROUP}/${resource}`);
    // A webhook that breaks must not keep anybody from mending it.
    if (table.entries.size === 0 || asked.request.kind.group === GROUP) return [];
    return table
      .sorted()
      .flatMap((entry) => mapsAt(asJson(entry.object), 'webhooks'))
      .filter((hook) => isAsked(hook, asked.operation, asked.object, asked.old, asked.request, this.#store))
      .filter((hook) => this.#meetsConditions(hook, asked));
  }

  #meetsConditions(hook: JsonObject, asked: Asked): boolean {
    if (mapsAt(hook, 'matchConditions').length === 0) return true;
    let programs = conditions.get(hook);
    if (programs === undefined) {
      programs = compileConditions(hook, admissionEnvironment(false));
      conditions.set(hook, programs);
    }
    const { variables, extent } = admissionVariables(asked, undefined);
    try {
      return conditionsMet(programs, variables, extent);
    } catch (error) {
      if (stringAt(hook, 'failurePolicy') === 'Ignore') return false;
      throw forbidden(asked.request.kind, asked.object.metadata.name, messageOf(error));
    }
  }

  async #mutate(hooks: readonly JsonObject[], first: Asked): Promise<KubeObject> {
    let asked = first;
    for (const hook of hooks) {
      const response = await this.#ask(hook, asked);
      const patch = stringAt(response, 'patch');
      if (patch === '') continue;
      const { kind } = asked.request;
      const document = asJson(asServed(kind, asked.object));
      const changed = applyJsonPatch(
        document,
        JSON.parse(Buffer.from(patch, 'base64').toString('utf8')) as JsonValue,
      );
      const { object } = decodeObject(kind, changed);
      kind.rules.defaults?.(object);
      asked = { ...asked, object };
    }
    return asked.object;
  }

  /** Empty when the webhook fails and may. */
  async #ask(hook: JsonObject, asked: Asked): Promise<JsonObject> {
    const name = stringAt(hook, 'name');
    const { request } = asked;
    const effects = stringAt(hook, 'sideEffects');
    if (request.dryRun && effects !== 'None' && effects !== 'NoneOnDryRun') {
      throw new ApiStatusError(
        400,
        'BadRequest',
        `admission webhook ${JSON.stringify(name)} does not support dry run`,
      );
    }
    let response: JsonObject;
    try {
      response = await callWebhook(hook, reviewOf(asked), this.#resolve);
    } catch (error) {
      if (stringAt(hook, 'failurePolicy') === 'Ignore') return {};
      throw new ApiStatusError(
        500,
        'InternalError',
        `Internal error occurred: failed calling webhook ${JSON.stringify(name)}: failed to call webhook: ${messageOf(error)}`,
      );
    }
    for (const warning of Array.isArray(response.warnings) ? response.warnings : []) {
      if (typeof warning === 'string') request.warn(warning);
    }
    if (response.allowed !== true) throw denied(name, response);
    return response;
  }
}
