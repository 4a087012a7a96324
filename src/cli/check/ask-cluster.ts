import { attempt } from '../../boundaries/index.ts';
import type { RenderedFacts } from '../../boundaries/index.ts';
import { asLandfallError, mapBounded } from '../../kernel/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { KindRef, KubeClient } from '../../kube/index.ts';
import { liveObject } from '../../verdict/index.ts';
import type { AnswerFact, WorldObject } from '../../verdict/index.ts';

const AT_ONCE = 6;
const LISTED: readonly KindRef[] = [
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'ServiceAccount' },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
  { apiVersion: 'v1', kind: 'ResourceQuota' },
  { apiVersion: 'v1', kind: 'LimitRange' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
];

interface FromCluster {
  readonly live: readonly WorldObject[];
  readonly answers: readonly AnswerFact[];
  readonly skipped: readonly string[];
  readonly unreadable: readonly { readonly what: string; readonly why: string }[];
}

/** Whoever delivers may create the namespace with the objects: its absence alone is no fault of the manifests. */
const NO_NAMESPACE = /namespaces "(?<name>[^"]+)" not found/;

/** Names of Secrets, never what is in them. */
function withoutData(object: WorldObject): WorldObject {
  const { data: _data, stringData: _text, ...rest } = object.value;
  return { ...object, value: rest, whole: false };
}

/** Asks the cluster what is there, what the identity may, and what a dry run of every object would answer. */
export async function askCluster(
  kube: KubeClient,
  objects: readonly RenderedFacts[],
  namespace: string,
  signal: AbortSignal,
): Promise<FromCluster> {
  const spaces = [...new Set(objects.map(({ object }) => object.metadata.namespace ?? namespace))].slice(
    0,
    8,
  );
  const asks = [
    ...spaces.flatMap((space) =>
      [...LISTED, { apiVersion: 'v1', kind: 'Secret' }].map((kind) => ({ kind, space })),
    ),
    { kind: { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass' }, space: undefined },
  ];
  const listed = await mapBounded(asks, AT_ONCE, async ({ kind, space }) => ({
    what: `${kind.kind}s${space === undefined ? '' : ` of ${space}`}`,
    kind,
    reading: await attempt(
      async () => (await kube.list(kind, space === undefined ? {} : { namespace: space }, signal)).items,
      signal,
    ),
  }));
  const answers = await mapBounded(objects, AT_ONCE, async ({ object }): Promise<AnswerFact | undefined> => {
    const asked = `apply --dry-run=server ${object.kind}/${object.metadata.name}`;
    const source = {
      type: 'object' as const,
      apiVersion: object.apiVersion,
      kind: object.kind,
      name: object.metadata.name,
    };
    try {
      const kind = await kube.resource(object, signal);
      const placed =
        kind.namespaced && object.metadata.namespace === undefined
          ? { ...object, metadata: { ...object.metadata, namespace } }
          : object;
      const may = await kube.canI(
        'patch',
        { group: splitApiVersion(object.apiVersion).group, resource: kind.resource },
        placed.metadata.namespace,
        signal,
      );
      if (!may.allowed)
        return {
          asked,
          ok: false,
          source,
          answer: `forbidden: User "this identity" cannot patch resource "${kind.resource}" in API group "${kind.group}"${placed.metadata.namespace === undefined ? '' : ` in the namespace "${placed.metadata.namespace}"`}`,
        };
      await kube.apply(
        placed,
        {
          fieldManager: 'landfall-check',
          dryRun: true,
          force: true,
          fieldValidation: 'Strict',
          before: null,
        },
        signal,
      );
      return undefined;
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (signal.aborted) throw error;
      const answer =
        error.code === 'kind-unknown'
          ? `no matches for kind "${object.kind}" in version "${object.apiVersion}"`
          : error.message;
      return { asked, ok: false, source, answer };
    }
  });
  return {
    live: listed.flatMap(({ kind, reading }) =>
      reading.state === 'read'
        ? reading.value
            .map(liveObject)
            .map((object) => (kind.kind === 'Secret' ? withoutData(object) : object))
        : [],
    ),
    answers: answers.flatMap((answer) =>
      answer === undefined || NO_NAMESPACE.test(answer.answer) ? [] : [answer],
    ),
    skipped: [
      ...new Set(
        answers.flatMap((answer) => NO_NAMESPACE.exec(answer?.answer ?? '')?.groups?.['name'] ?? []),
      ),
    ].map((name) => `a dry run in ${name}: the namespace does not exist yet`),
    unreadable: listed.flatMap(({ what, reading }) =>
      reading.state === 'unreadable' ? [{ what, why: reading.why }] : [],
    ),
  };
}
