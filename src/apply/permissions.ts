import { asLandfallError, getArray, getString, mapBounded } from '../kernel/index.ts';
import { splitApiVersion } from '../kube/index.ts';
import type { AccessAnswer, KubeClient, KubeObject, ResourceAccess } from '../kube/index.ts';

export type Verb = 'get' | 'create' | 'patch' | 'delete';

/** Verbs that one object needs: for its own write, and for taking it back. */
export interface Need {
  readonly object: KubeObject;
  readonly verbs: readonly Verb[];
}

export interface Denied {
  readonly object: KubeObject;
  readonly verb: Verb;
  readonly resource: string;
  /** The server's words; may be empty. */
  readonly reason: string;
}

const AT_ONCE = 16;

/** What one plan asks the API server about permissions: the same question once, however often it comes up. */
export interface Permissions {
  /** Asks ahead for what will most likely be needed, while something else is waited for. */
  expect(needs: readonly Need[]): void;
  /**
   * Asks, as the identity that will apply, for every verb on every kind and namespace, once each. A role that names
   * its objects answers no to that: each object is asked for then.
   */
  denied(needs: readonly Need[]): Promise<readonly Denied[]>;
}

type CanI = (verb: Verb, access: ResourceAccess, namespace: string | undefined) => Promise<AccessAnswer>;

export function permissionsOf(client: KubeClient, signal: AbortSignal): Permissions {
  const answers = new Map<string, Promise<AccessAnswer>>();
  const canI: CanI = (verb, access, namespace) => {
    const key = JSON.stringify([verb, access, namespace]);
    const answer = answers.get(key) ?? client.canI(verb, access, namespace, signal);
    answers.set(key, answer);
    return answer;
  };
  const denied = (needs: readonly Need[]) => deniedVerbs(client, canI, needs, signal);
  return {
    denied,
    expect(needs) {
      // What goes wrong with it goes wrong again, for whoever needs the answer.
      denied(needs).catch(() => {});
    },
  };
}

async function deniedVerbs(
  client: KubeClient,
  canI: CanI,
  needs: readonly Need[],
  signal: AbortSignal,
): Promise<readonly Denied[]> {
  const questions = new Map<string, { readonly verb: Verb; readonly objects: KubeObject[] }>();
  for (const { object, verbs } of needs) {
    for (const verb of verbs) {
      const { group } = splitApiVersion(object.apiVersion);
      const key = [verb, group, object.kind, object.metadata.namespace ?? ''].join('|');
      const question = questions.get(key);
      if (question === undefined) questions.set(key, { verb, objects: [object] });
      else question.objects.push(object);
    }
  }
  const answers = await mapBounded([...questions.values()], AT_ONCE, ({ verb, objects }) =>
    ask(client, canI, verb, objects, signal),
  );
  return answers.flat();
}

async function ask(
  client: KubeClient,
  canI: CanI,
  verb: Verb,
  objects: readonly KubeObject[],
  signal: AbortSignal,
): Promise<readonly Denied[]> {
  const [first] = objects;
  if (first === undefined) return [];
  const access = await resourceOf(client, first, signal);
  // A kind that is not served has no permissions to ask for: its definition comes with the set, or the dry run says.
  if (access === undefined) return [];
  const { namespace } = first.metadata;
  const all = await canI(verb, access, namespace);
  if (all.allowed) return [];
  const denied = (object: KubeObject, reason: string): Denied => ({
    object,
    verb,
    resource: access.resource,
    reason,
  });
  // What is created has no name yet, as far as roles are concerned.
  if (verb === 'create') return [denied(first, all.reason)];
  const each = await mapBounded(objects, AT_ONCE, async (object) => {
    const answer = await canI(verb, { ...access, name: object.metadata.name }, namespace);
    return answer.allowed ? undefined : denied(object, answer.reason);
  });
  const refused = each.filter((one) => one !== undefined);
  return refused.length === objects.length ? refused.slice(0, 1) : refused;
}

async function resourceOf(client: KubeClient, object: KubeObject, signal: AbortSignal) {
  try {
    const { group, resource } = await client.resource(object, signal);
    return { group, resource };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.code === 'kind-unknown') return undefined;
    throw error;
  }
}

/** A person or a robot, as the API server knows it. */
export interface Identity {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Who the API server takes us for; undefined where it does not say (SelfSubjectReview came with 1.28). */
export async function attestedIdentity(
  client: KubeClient,
  signal: AbortSignal,
): Promise<Identity | undefined> {
  try {
    const answer = await client.create(
      { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: { name: '' } },
      {},
      signal,
    );
    const name = getString(answer, 'status', 'userInfo', 'username');
    const groups = getArray(answer, 'status', 'userInfo', 'groups');
    return name === undefined
      ? undefined
      : { name, groups: groups.filter((group): group is string => typeof group === 'string') };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' || error.kind === 'unavailable') throw error;
    return undefined;
  }
}

/** The name alone of who the API server takes us for. */
export async function identityOf(client: KubeClient, signal: AbortSignal): Promise<string | undefined> {
  return (await attestedIdentity(client, signal))?.name;
}
