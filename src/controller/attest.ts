import { getArray, getIn, getString, LandfallError } from '../kernel/index.ts';
import type { KubeClient } from '../kube/index.ts';

/** Who a token belongs to, as the API server says. */
export interface Attested {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Asks the API server whose a token is (TokenReview). Throws `denied` for one that it does not know. */
export async function attestToken(client: KubeClient, token: string, signal: AbortSignal): Promise<Attested> {
  const answer = await client.create(
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: { name: '' },
      spec: { token },
    },
    {},
    signal,
  );
  const name = getString(answer, 'status', 'user', 'username');
  if (getIn(answer, 'status', 'authenticated') !== true || name === undefined) {
    throw new LandfallError('The cluster does not know this token.', {
      kind: 'denied',
      code: 'token-unknown',
      hint: 'Take a new one: kubectl create token NAME, or that of your identity provider.',
    });
  }
  const groups = getArray(answer, 'status', 'user', 'groups');
  return { name, groups: groups.filter((group): group is string => typeof group === 'string') };
}

/** Whether the API server lets somebody do something with builds of a trigger (SubjectAccessReview). */
export async function mayDecide(
  client: KubeClient,
  { name, groups }: Attested,
  verb: string,
  trigger: string,
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await client.create(
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: { name: '' },
      spec: {
        user: name,
        groups: [...groups],
        // No resource that is served: a name for a permission that roles can give.
        resourceAttributes: { group: 'landfall.dev', resource: 'builds', name: trigger, verb },
      },
    },
    {},
    signal,
  );
  return getIn(answer, 'status', 'allowed') === true;
}
