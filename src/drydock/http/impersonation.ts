import { ApiStatusError } from '../api/contract.ts';
import type { Authorizer, Question } from '../machinery/authorizer.ts';
import { badRequest, forbidden } from '../machinery/status-errors.ts';
import type { User } from '../machinery/write-request.ts';

/** Each header by itself: a group may have a comma in its name. */
function values(headers: NodeJS.Dict<string[]>, name: string): string[] {
  return (headers[name] ?? []).map((value) => value.trim()).filter((value) => value !== '');
}

function question(resource: string, name: string, group = '', namespace = ''): Question {
  return { verb: 'impersonate', group, resource, subresource: '', namespace, name };
}

/** The user that the request is to be made as: the caller, or whom it impersonates and may. Throws 400 and 403. */
export function impersonated(headers: NodeJS.Dict<string[]>, caller: User, authorizer: Authorizer): User {
  const [name] = values(headers, 'impersonate-user');
  const groups = values(headers, 'impersonate-group');
  const [uid] = values(headers, 'impersonate-uid');
  if (name === undefined) {
    if (groups.length === 0 && uid === undefined) return caller;
    throw badRequest('requested [groups] without impersonating a user');
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  const asked: Question[] = [
    account === null
      ? question('users', name)
      : question('serviceaccounts', account[2] ?? '', '', account[1] ?? ''),
    ...groups.map((group) => question('groups', group)),
    ...(uid === undefined ? [] : [question('uids', uid, 'authentication.k8s.io')]),
  ];
  for (const wanted of asked) {
    if (wanted.path !== undefined || authorizer.decide(caller, wanted).allowed) continue;
    throw forbidden(
      { group: wanted.group, resource: wanted.resource },
      wanted.name,
      `User "${caller.name}" cannot impersonate resource "${wanted.resource}" in API group "${wanted.group}" at the cluster scope`,
    );
  }
  const implied =
    account !== null && groups.length === 0
      ? ['system:serviceaccounts', `system:serviceaccounts:${account[1] ?? ''}`]
      : groups;
  return {
    name,
    groups: [...new Set([...implied, 'system:authenticated'])],
    ...(uid === undefined ? {} : { uid }),
  };
}

export function unauthorized(): ApiStatusError {
  return new ApiStatusError(401, 'Unauthorized', 'Unauthorized');
}
