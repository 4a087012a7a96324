import { setMaxListeners } from 'node:events';
import { LandfallError, getArray, getIn, getString, parseJson } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { ApiResource } from './client.ts';
import { cancelled, failureOfResponse } from './failure.ts';
import type { KindRef } from './object.ts';
import { splitApiVersion } from './object.ts';
import type { Transport } from './transport.ts';

export interface Discovery {
  resource(kind: KindRef, signal?: AbortSignal): Promise<ApiResource>;
  /** Every `group/version` that is served, and every `group/version/Kind`. */
  all(signal?: AbortSignal): Promise<readonly string[]>;
  forget(): void;
}

interface Known {
  readonly at: number;
  readonly kinds: ReadonlyMap<string, ApiResource>;
}

/** Asked for by every command, and nowhere else where there is one: it needs no question of its own. */
const SELF_SUBJECT_REVIEW: ApiResource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  resource: 'selfsubjectreviews',
  kind: 'SelfSubjectReview',
  namespaced: false,
  verbs: ['create'],
  subresources: [],
};

/** A kind that is missing is looked for again at once, but a burst of misses asks the server only once a second. */
const FRESH = 1000;
const KEPT = 10 * 60_000;

/** Kinds by group version, one GET each when first needed: cheaper at start than the whole catalogue. */
export function createDiscovery(transport: Transport, clock: Clock): Discovery {
  const known = new Map<string, Known>();
  const asking = new Map<string, Promise<Known>>();

  async function ask(apiVersion: string): Promise<Known> {
    const { group, version } = splitApiVersion(apiVersion);
    const what = `discover the kinds of ${apiVersion}`;
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const response = await transport.send({ what, method: 'GET', path });
    if (response.status === 404) return { at: clock.now(), kinds: new Map() };
    if (response.status !== 200) {
      throw failureOfResponse(response.status, response.text, { what, server: transport.server });
    }
    const kinds = new Map<string, ApiResource>();
    const listed = getArray(
      parseJson(response.text, `The answer of ${transport.server}${path}`),
      'resources',
    ).map((item) => ({ item, name: getString(item, 'name') ?? '', kind: getString(item, 'kind') ?? '' }));
    for (const { item, name, kind } of listed) {
      if (name === '' || kind === '' || name.includes('/')) continue;
      kinds.set(kind, {
        group,
        version,
        resource: name,
        kind,
        namespaced: getIn(item, 'namespaced') === true,
        verbs: getArray(item, 'verbs').map(String),
        subresources: listed.flatMap((other) =>
          other.name.startsWith(`${name}/`) ? [other.name.slice(name.length + 1)] : [],
        ),
      });
    }
    return { at: clock.now(), kinds };
  }

  async function groupVersion(apiVersion: string, notOlderThan: number): Promise<Known> {
    const had = known.get(apiVersion);
    if (had !== undefined && had.at >= notOlderThan) return had;
    const running = asking.get(apiVersion);
    if (running !== undefined) return running;
    const fresh = ask(apiVersion);
    asking.set(apiVersion, fresh);
    try {
      const found = await fresh;
      known.set(apiVersion, found);
      return found;
    } finally {
      asking.delete(apiVersion);
    }
  }

  /** The question is shared with others, so that it goes on; whoever is stopped waits for it no longer. */
  async function shared(apiVersion: string, notOlderThan: number, signal: AbortSignal | undefined) {
    const answer = groupVersion(apiVersion, notOlderThan);
    if (signal === undefined) return answer;
    const attempt = { what: `discover the kinds of ${apiVersion}`, server: transport.server };
    if (signal.aborted) {
      answer.catch(() => {});
      throw cancelled(attempt);
    }
    let leave = () => {};
    const stopped = new Promise<never>((_resolve, reject) => {
      leave = () => reject(cancelled(attempt));
      setMaxListeners(0, signal);
      signal.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([answer, stopped]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  async function groupVersions(signal: AbortSignal | undefined): Promise<readonly string[]> {
    const what = 'discover the groups';
    const response = await transport.send({ what, method: 'GET', path: '/apis' }, signal);
    if (response.status !== 200) {
      throw failureOfResponse(response.status, response.text, { what, server: transport.server });
    }
    const groups = getArray(parseJson(response.text, `The answer of ${transport.server}/apis`), 'groups');
    return [
      'v1',
      ...groups.flatMap((group) =>
        getArray(group, 'versions').map((item) => getString(item, 'groupVersion') ?? ''),
      ),
    ].filter((name) => name !== '');
  }

  return {
    async all(signal) {
      const names: string[] = [];
      for (const name of await groupVersions(signal)) {
        const { kinds } = await shared(name, clock.now() - KEPT, signal);
        names.push(name, ...[...kinds.keys()].map((kind) => `${name}/${kind}`));
      }
      return names.toSorted();
    },
    async resource({ apiVersion, kind }, signal) {
      if (signal?.aborted)
        throw cancelled({ what: `discover the kinds of ${apiVersion}`, server: transport.server });
      if (kind === SELF_SUBJECT_REVIEW.kind && apiVersion === 'authentication.k8s.io/v1')
        return SELF_SUBJECT_REVIEW;
      const first = await shared(apiVersion, clock.now() - KEPT, signal);
      const found =
        first.kinds.get(kind) ?? (await shared(apiVersion, clock.now() - FRESH, signal)).kinds.get(kind);
      if (found !== undefined) return found;
      throw new LandfallError(
        `The cluster at ${transport.server} does not serve the kind ${kind} of ${apiVersion}.`,
        {
          kind: 'not-found',
          code: 'kind-unknown',
          object: `${apiVersion} ${kind}`,
          hint: 'Check the spelling, or install the CustomResourceDefinition that brings it.',
        },
      );
    },
    forget() {
      known.clear();
    },
  };
}
