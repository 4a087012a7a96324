import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { mapAt, maybeMap, stringAt } from '../kinds/json-access.ts';
import { apiVersionOf, type ResourceKind } from '../kinds/kind.ts';
import type { Authorizer, Question } from '../machinery/authorizer.ts';
import type { User } from '../machinery/write-request.ts';
import { decodeObject } from '../machinery/object-meta.ts';
import { asJson } from '../kinds/json-access.ts';
import { badRequest } from '../machinery/status-errors.ts';

function questionOf(spec: JsonObject): Question {
  const resource = maybeMap(spec, 'resourceAttributes');
  if (resource !== undefined) {
    return {
      verb: stringAt(resource, 'verb'),
      group: stringAt(resource, 'group'),
      resource: stringAt(resource, 'resource'),
      subresource: stringAt(resource, 'subresource'),
      namespace: stringAt(resource, 'namespace'),
      name: stringAt(resource, 'name'),
    };
  }
  const other = maybeMap(spec, 'nonResourceAttributes');
  if (other === undefined) {
    throw badRequest('exactly one of nonResourceAttributes or resourceAttributes must be specified');
  }
  return { verb: stringAt(other, 'verb'), path: stringAt(other, 'path') };
}

function answer(authorizer: Authorizer, user: User, spec: JsonObject): JsonObject {
  const decision = authorizer.decide(user, questionOf(spec));
  return { allowed: decision.allowed, ...(decision.reason === '' ? {} : { reason: decision.reason }) };
}

/** Answers the reviews of access and identity, which are created and never stored. */
export function review(kind: ResourceKind, body: JsonValue, user: User, authorizer: Authorizer): JsonObject {
  if (!isJsonObject(body)) throw badRequest('the body of the request is not an object');
  const object = asJson(decodeObject(kind, body).object);
  const spec = mapAt(object, 'spec');
  const result: JsonObject = { ...object, kind: kind.kind, apiVersion: apiVersionOf(kind) };
  switch (kind.kind) {
    case 'SelfSubjectReview':
      result.status = {
        userInfo: {
          username: user.name,
          ...(user.uid === undefined ? {} : { uid: user.uid }),
          groups: [...user.groups],
        },
      };
      return result;
    case 'SelfSubjectAccessReview':
      result.status = answer(authorizer, user, spec);
      return result;
    case 'SubjectAccessReview':
    case 'LocalSubjectAccessReview': {
      const groups = Array.isArray(spec.groups)
        ? spec.groups.filter((group) => typeof group === 'string')
        : [];
      result.status = answer(authorizer, { name: stringAt(spec, 'user'), groups }, spec);
      return result;
    }
    case 'SelfSubjectRulesReview': {
      const { resourceRules, nonResourceRules } = authorizer.rulesFor(user, stringAt(spec, 'namespace'));
      result.status = {
        resourceRules: resourceRules.map((rule) => ({ ...rule })),
        nonResourceRules: nonResourceRules.map((rule) => ({ ...rule })),
        incomplete: false,
      };
      return result;
    }
    case 'TokenReview': {
      const found = authorizer.authenticate(stringAt(spec, 'token'));
      result.status =
        found === undefined
          ? { user: {}, error: 'the token is not known' }
          : { authenticated: true, user: { username: found.name, groups: [...found.groups] } };
      return result;
    }
    default:
      throw badRequest(`${kind.kind} is not a review that is served`);
  }
}
