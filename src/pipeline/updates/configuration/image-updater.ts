import { compileGlob } from '../../../boundaries/intent/index.ts';
import { getArray, getIn, getObject, getString } from '../../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { given, readAnnotations } from './argo-annotations.ts';
import { mergeSettings, type ArgoImage, type ArgoSettings, type ArgoWriteBack } from './argo-settings.ts';
import { fitsSelector } from './labels.ts';

/** The custom resource of Argo CD Image Updater 1.0 and later. */
export const IMAGE_UPDATER = {
  apiVersion: 'argocd-image-updater.argoproj.io/v1alpha1',
  kind: 'ImageUpdater',
} as const;

/** What an ImageUpdater says of an Application of its namespace; undefined where it does not choose it. */
export function readImageUpdater(
  updater: KubeObject,
  application: KubeObject,
):
  | {
      readonly images: readonly ArgoImage[];
      readonly common: ArgoSettings;
      readonly writeBack: ArgoWriteBack;
    }
  | undefined {
  if ((updater.metadata.namespace ?? '') !== (application.metadata.namespace ?? '')) return undefined;
  const spec = getObject(updater, 'spec') ?? {};
  const { name, labels = {} } = application.metadata;
  const [reference] = getArray(spec, 'applicationRefs')
    .filter(
      (each) =>
        compileGlob(getString(each, 'namePattern') ?? '', updater.metadata.name).test(name) &&
        fitsSelector(getObject(each, 'labelSelectors'), labels),
    )
    .toSorted((a, b) => specificity(b) - specificity(a));
  if (reference === undefined) return undefined;
  if (getIn(reference, 'useAnnotations') === true) return readAnnotations(application);
  return {
    images: getArray(reference, 'images').map(imageOf),
    common: mergeSettings(settingsOf(spec), settingsOf(reference)),
    writeBack: { ...writeBackOf(spec), ...writeBackOf(reference) },
  };
}

/** Of several rules that fit the closest counts: an exact name, then labels, then the longest pattern. */
function specificity(reference: JsonValue): number {
  const pattern = getString(reference, 'namePattern') ?? '';
  const selector = getObject(reference, 'labelSelectors');
  const rules =
    Object.keys(getObject(selector, 'matchLabels') ?? {}).length +
    getArray(selector, 'matchExpressions').length;
  return (
    (/[*?[\]]/.test(pattern) ? 0 : 1_000_000) +
    (selector === undefined ? 0 : 10_000 + rules * 100) +
    pattern.replaceAll(/\[.*?\]|[*?]/g, '').length
  );
}

function imageOf(image: JsonValue): ArgoImage {
  const targets = getObject(image, 'manifestTargets');
  const kustomizeName = getString(targets, 'kustomize', 'name');
  const helm = getObject(targets, 'helm');
  return {
    alias: getString(image, 'alias') ?? '',
    image: getString(image, 'imageName') ?? '',
    settings: settingsOf(image),
    ...(kustomizeName === undefined ? {} : { kustomizeName }),
    ...(helm === undefined
      ? {}
      : {
          helm: given({
            name: getString(helm, 'name'),
            tag: getString(helm, 'tag'),
            spec: getString(helm, 'spec'),
          }),
        }),
    ...(getObject(targets, 'plugin') === undefined ? {} : { plugin: true }),
  };
}

function settingsOf(holder: JsonValue): ArgoSettings {
  const settings = getObject(holder, 'commonUpdateSettings');
  const force = getIn(settings, 'forceUpdate');
  return given({
    strategy: getString(settings, 'updateStrategy') || undefined,
    allowTags: getString(settings, 'allowTags') || undefined,
    ignoreTags: listOf(settings, 'ignoreTags'),
    platforms: listOf(settings, 'platforms'),
    pullSecret: getString(settings, 'pullSecret') || undefined,
    force: typeof force === 'boolean' ? force : undefined,
  });
}

function listOf(holder: JsonObject | undefined, field: string): readonly string[] | undefined {
  if (getIn(holder, field) === undefined) return undefined;
  return getArray(holder, field).filter((item): item is string => typeof item === 'string');
}

function writeBackOf(holder: JsonValue): ArgoWriteBack {
  const config = getObject(holder, 'writeBackConfig');
  const git = getObject(config, 'gitConfig');
  const pullRequest = getObject(git, 'pullRequest');
  return given({
    method: getString(config, 'method'),
    target: getString(git, 'writeBackTarget'),
    branch: getString(git, 'branch'),
    repository: getString(git, 'repository'),
    pullRequest:
      pullRequest === undefined
        ? undefined
        : getObject(pullRequest, 'gitlab') === undefined
          ? ('github' as const)
          : ('gitlab' as const),
  });
}
