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
  readonly helm: string | undefined;
  readonly signal: AbortSignal;
}

/** The objects of a release, and which of them come from the chart's `crds/`. */
export interface RenderedRelease {
  readonly objects: readonly KubeObject[];
  /** Definitions of the chart's own `crds/`: made once, and changed only where the release says so. */
  readonly definitions: ReadonlySet<string>;
}

/** What a chart asks for, marked, and with the hooks of this action only; not yet placed in namespaces. */
export async function renderRelease(request: ReleaseRequest): Promise<RenderedRelease> {
  const { release, action, signal } = request;
  const { name, namespace } = releaseName(release);
  const policy =
    getString(release, 'spec', action, 'crds') ||
    (getIn(release, 'spec', action, 'skipCRDs') === true ? 'Skip' : action === 'install' ? 'Create' : 'Skip');
  const plain = await template(request, true);
  const whole = policy === 'Skip' ? plain : await template(request, false);
  const templated = new Set(plain.map(objectKey));
  const definitions = new Set(whole.map(objectKey).filter((key) => !templated.has(key)));
  const hooked = whole.flatMap((object) => withHooksOf(release, action, object) ?? []);
  const edited = await postRendered(release, hooked, signal);
  const objects = edited.map((each) => withMarks(each, release, { name, namespace }));
  return {
    objects,
    // A definition that is only made once is not compared afterwards.
    definitions: policy === 'CreateReplace' ? new Set() : definitions,
  };
}

async function template(
  { release, chart, values, about, helm, signal }: ReleaseRequest,
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
      },
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
): KubeObject | undefined {
  const listed = annotationList(object, 'helm.sh/hook');
  if (listed.length === 0 || listed.includes('crd-install')) return object;
  const wanted = listed.flatMap((hook) => {
    if (hook === `pre-${action}` || hook === `post-${action}`) return [hook];
    const isTest = hook === 'test' || hook === 'test-success';
    return isTest && getIn(release, 'spec', 'test', 'enable') === true ? [`post-${action}`] : [];
  });
  if (wanted.length === 0 || getIn(release, 'spec', action, 'disableHooks') === true) return undefined;
  const isTest = !listed.some((hook) => wanted.includes(hook));
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: {
        ...object.metadata.annotations,
        'helm.sh/hook': [...new Set(wanted)].join(','),
        // Tests come when everything else is done.
        ...(isTest ? { 'argocd.argoproj.io/sync-wave': '1000000' } : {}),
      },
    },
  };
}

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

/** `spec.postRenderers`: patches and images of Kustomize over what the chart gives, hooks left as they are. */
async function postRendered(
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
