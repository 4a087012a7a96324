import { createHash } from 'node:crypto';
import {
  LandfallError,
  asLandfallError,
  getArray,
  getIn,
  getObject,
  getString,
  isJsonObject,
  stringifyYaml,
  textOf,
} from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import { treeOfFiles } from '../../../git/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { objectKey } from '../../live/index.ts';
import { annotationList, applicationSource } from '../../sync/index.ts';
import { renderHelm } from '../helm.ts';
import type { LookupCluster } from '../lookups.ts';
import { renderApplication } from '../render-application.ts';
import { fluxFailure } from './failure.ts';
import type { Chart } from './chart.ts';
import type { ReleaseValues } from './values.ts';
import { withoutSecrets } from './values.ts';

export const HELM_NAME_LABEL = 'helm.toolkit.fluxcd.io/name';
export const HELM_NAMESPACE_LABEL = 'helm.toolkit.fluxcd.io/namespace';

/** A release as helm and helm-controller name it. */
export interface ReleaseName {
  readonly name: string;
  readonly namespace: string;
}

/** `releaseName`, else the object's name behind the target namespace; shortened as helm-controller does it. */
export function releaseName(release: KubeObject): ReleaseName {
  const { name, namespace = 'default' } = release.metadata;
  const target = getString(release, 'spec', 'targetNamespace') || undefined;
  const whole =
    getString(release, 'spec', 'releaseName') || (target === undefined ? name : `${target}-${name}`);
  const short =
    whole.length <= 53
      ? whole
      : `${whole.slice(0, 40)}-${createHash('sha256').update(whole).digest('hex').slice(0, 12)}`;
  return { name: short, namespace: target ?? namespace };
}

export interface ReleaseRequest {
  readonly release: KubeObject;
  readonly chart: Chart;
  readonly values: ReleaseValues;
  readonly action: 'install' | 'upgrade';
  /** Where it goes: what the cluster serves is told to the chart. */
  readonly about: { readonly gitVersion: string; readonly apiVersions: readonly string[] };
  /** The same cluster, for what the chart looks up in it. */
  readonly cluster: LookupCluster;
  readonly helm: string | undefined;
  /** Leaves out what the chart makes up anew each time. */
  readonly stable?: boolean;
  readonly signal: AbortSignal;
}

/** The objects of a release, and which of them come from the chart's `crds/`. */
export interface RenderedRelease {
  readonly objects: readonly KubeObject[];
  /** Definitions of the chart's own `crds/`: made once, and changed only where the release says so. */
  readonly definitions: ReadonlySet<string>;
  /** Hooks of what may come later: of deletion and of rollback. */
  readonly later: readonly KubeObject[];
  /** Tests that are run when everything else is done, and whose failure changes nothing. */
  readonly lenientTests: readonly KubeObject[];
  /**
   * Definitions that the install of the release has made or makes, and that nobody changes since. Told only of what is
   * rendered `stable`: who delivers makes them when they are due.
   */
  readonly seeds: readonly KubeObject[];
}

/** Hooks that are not run by an install or an upgrade. */
const LATER = ['pre-delete', 'post-delete', 'pre-rollback', 'post-rollback'];

/** What a chart asks for, marked, and with the hooks of this action only; not yet placed in namespaces. */
export async function renderRelease(request: ReleaseRequest): Promise<RenderedRelease> {
  const { release, action, signal } = request;
  const { name, namespace } = releaseName(release);
  const policy = definitionPolicy(release, action);
  const plain = await template(request, true);
  const isMade = request.stable === true && definitionPolicy(release, 'install') !== 'Skip';
  const all = policy === 'Skip' && !isMade ? plain : await template(request, false);
  const whole = policy === 'Skip' ? plain : all;
  const templated = new Set(plain.map(objectKey));
  const definitions = new Set(whole.map(objectKey).filter((key) => !templated.has(key)));
  const edited = await postRendered(release, whole, signal);
  const marked = edited.map((each) => withMarks(each, release, { name, namespace }));
  const isLenient = ignoresTestFailures(release, action);
  return {
    objects: marked.flatMap((object) => withHooksOf(release, action, object, !isLenient) ?? []),
    // A definition that is only made once is not compared afterwards.
    definitions: policy === 'CreateReplace' ? new Set() : definitions,
    later: marked.filter((object) => hooksOf(object).some((hook) => LATER.includes(hook))),
    lenientTests: isLenient ? marked.filter((object) => isTest(release, object)) : [],
    seeds:
      isMade && policy !== 'CreateReplace' ? all.filter((object) => !templated.has(objectKey(object))) : [],
  };
}

/** What becomes of the chart's `crds/`: `Skip`, `Create` or `CreateReplace`. */
function definitionPolicy(release: KubeObject, action: 'install' | 'upgrade'): string {
  const said = getString(release, 'spec', action, 'crds') || undefined;
  if (said !== undefined) return said;
  const isSkipped = getIn(release, 'spec', action, 'skipCRDs') === true;
  return action === 'install' && !isSkipped ? 'Create' : 'Skip';
}

function hooksOf(object: KubeObject): readonly string[] {
  return annotationList(object, 'helm.sh/hook');
}

/** `remediation.ignoreTestFailures` of the action, else `test.ignoreFailures`. */
function ignoresTestFailures(release: KubeObject, action: 'install' | 'upgrade'): boolean {
  const own = getIn(release, 'spec', action, 'remediation', 'ignoreTestFailures');
  return (own ?? getIn(release, 'spec', 'test', 'ignoreFailures')) === true;
}

/** A test that is to be run: `test.filters` names those that are, or those that are not. */
function isTest(release: KubeObject, object: KubeObject): boolean {
  const isOne = hooksOf(object).some((hook) => hook === 'test' || hook === 'test-success');
  if (!isOne || getIn(release, 'spec', 'test', 'enable') !== true) return false;
  const filters = getArray(release, 'spec', 'test', 'filters');
  const named = (excluded: boolean) =>
    filters
      .filter((filter) => (getIn(filter, 'exclude') === true) === excluded)
      .map((filter) => getString(filter, 'name') ?? '');
  const [wanted, unwanted] = [named(false), named(true)];
  const { name } = object.metadata;
  return !unwanted.includes(name) && (wanted.length === 0 || wanted.includes(name));
}

async function template(
  { release, chart, values, about, cluster, helm, action, stable = false, signal }: ReleaseRequest,
  skipCrds: boolean,
): Promise<readonly KubeObject[]> {
  const { name, namespace } = releaseName(release);
  const source = applicationSource({
    repoURL: chart.place.kind === 'repository' ? chart.place.url : '',
    path: chart.place.kind === 'tree' ? chart.place.folder : '',
    helm: {
      releaseName: name,
      namespace,
      valuesObject: values.values,
      valueFiles: [...chart.valueFiles],
      ignoreMissingValueFiles: chart.ignoreMissing,
      skipCrds,
      skipSchemaValidation: getIn(release, 'spec', action, 'disableSchemaValidation') === true,
    },
  });
  try {
    const rendered = await renderHelm({
      place: chart.place,
      source,
      application: { name, namespace, project: '', revision: chart.version },
      environment: {},
      refs: new Map(),
      program: {
        ...(helm === undefined ? {} : { command: helm }),
        kubeVersion: about.gitVersion.replace(/^v/, '').replace(/[-+].*$/, ''),
        apiVersions: about.apiVersions,
        access: chart.access,
        cluster,
      },
      stable,
      signal,
    });
    return rendered.map(({ object }) => object);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    const message = withoutSecrets(error.message, values.secrets);
    if (message === error.message) throw error;
    throw new LandfallError(message, { kind: error.kind, code: error.code });
  }
}

/** The object with only those of its hooks that are of this action; undefined where it has others only. */
function withHooksOf(
  release: KubeObject,
  action: 'install' | 'upgrade',
  object: KubeObject,
  withTests: boolean,
): KubeObject | undefined {
  const listed = hooksOf(object);
  if (listed.length === 0 || listed.includes('crd-install')) return object;
  const own = listed.filter((hook) => hook === `pre-${action}` || hook === `post-${action}`);
  const kept = getIn(release, 'spec', action, 'disableHooks') === true ? [] : own;
  const test = withTests && isTest(release, object);
  if (kept.length === 0 && !test) return undefined;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: {
        ...object.metadata.annotations,
        'helm.sh/hook': (test ? [...kept, `post-${action}`] : kept).join(','),
        // Tests come when everything else is done.
        ...(test && kept.length === 0 ? { 'argocd.argoproj.io/sync-wave': TEST_WAVE } : {}),
      },
    },
  };
}

/** By what tests are known among the hooks of an action. */
export const TEST_WAVE = '1000000';

/** Helm's own marks, so that helm finds its own if it ever takes over; and `commonMetadata`. */
function withMarks(object: KubeObject, release: KubeObject, { name, namespace }: ReleaseName): KubeObject {
  const common = (field: 'labels' | 'annotations') =>
    Object.fromEntries(
      Object.entries(getObject(release, 'spec', 'commonMetadata', field) ?? {}).map(([key, value]) => [
        key,
        textOf(value),
      ]),
    );
  return {
    ...object,
    metadata: {
      ...object.metadata,
      labels: {
        ...object.metadata.labels,
        'app.kubernetes.io/managed-by': 'Helm',
        ...common('labels'),
        [HELM_NAME_LABEL]: release.metadata.name,
        [HELM_NAMESPACE_LABEL]: release.metadata.namespace ?? 'default',
      },
      annotations: {
        ...object.metadata.annotations,
        'meta.helm.sh/release-name': name,
        'meta.helm.sh/release-namespace': namespace,
        ...common('annotations'),
      },
    },
  };
}

/** `spec.postRenderers`, given everything, everything but hooks, or the two apart, as `postRenderStrategy` says. */
async function postRendered(
  release: KubeObject,
  objects: readonly KubeObject[],
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const strategy = getString(release, 'spec', 'postRenderStrategy') || 'combined';
  if (strategy === 'combined') return postRenderedTogether(release, objects, signal);
  const hooks = objects.filter((object) => hooksOf(object).length > 0);
  const others = objects.filter((object) => hooksOf(object).length === 0);
  return [
    ...(await postRenderedTogether(release, others, signal)),
    ...(strategy === 'separate' ? await postRenderedTogether(release, hooks, signal) : hooks),
  ];
}

/** Patches and images of Kustomize over what the chart gives. */
async function postRenderedTogether(
  release: KubeObject,
  objects: readonly KubeObject[],
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  let result = objects;
  for (const renderer of getArray(release, 'spec', 'postRenderers')) {
    const kustomize = getObject(renderer, 'kustomize');
    if (kustomize === undefined || result.length === 0) continue;
    const text = result.map((object) => stringifyYaml(object)).join('---\n');
    const kustomization: JsonObject = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: ['all.yaml'],
      patches: [...getArray(kustomize, 'patches')],
      images: [...getArray(kustomize, 'images')].filter(isJsonObject),
    };
    const tree = treeOfFiles(
      new Map([
        ['all.yaml', Buffer.from(text)],
        ['kustomization.yaml', Buffer.from(stringifyYaml(kustomization))],
      ]),
    );
    const set = await renderApplication(tree, '', { signal });
    if (set.failure !== undefined) {
      throw fluxFailure({
        reason: 'PostRenderFailed',
        message: `error while running post render: ${set.failure.message}`,
      });
    }
    result = set.objects.map(({ object }) => object);
  }
  return result;
}
