import { getIn, getString, parseJson } from '../kernel/index.ts';
import type { AccessAnswer, ResourceAccess } from './client.ts';
import { failureOfResponse } from './failure.ts';
import type { ApiRequest, Transport } from './transport.ts';

/** Asks the server what it would allow these credentials: a SelfSubjectAccessReview, which stores nothing. */
export async function reviewAccess(
  transport: Transport,
  verb: string,
  access: ResourceAccess,
  namespace: string | undefined,
  signal: AbortSignal | undefined,
): Promise<AccessAnswer> {
  const request: ApiRequest = {
    what: `ask whether ${verb} on ${access.resource}${namespace === undefined ? '' : ` in ${namespace}`} is allowed`,
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    repeatable: true,
    body: JSON.stringify({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: {
        resourceAttributes: {
          verb,
          group: access.group ?? '',
          resource: access.resource,
          ...(access.subresource === undefined ? {} : { subresource: access.subresource }),
          ...(access.name === undefined ? {} : { name: access.name }),
          ...(namespace === undefined ? {} : { namespace }),
        },
      },
    }),
  };
  const response = await transport.send(request, signal);
  if (response.status !== 201 && response.status !== 200) {
    throw failureOfResponse(response.status, response.text, { what: request.what, server: transport.server });
  }
  const answer = parseJson(response.text, 'The access review');
  return {
    allowed: getIn(answer, 'status', 'allowed') === true,
    reason: getString(answer, 'status', 'reason') ?? getString(answer, 'status', 'evaluationError') ?? '',
  };
}
