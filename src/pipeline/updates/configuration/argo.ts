import { asLandfallError } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { applicationSpec } from '../../../boundaries/index.ts';
import { hasAnnotations, readAnnotations } from './argo-annotations.ts';
import {
  branchesOf,
  mergeSettings,
  refuseOtherMethods,
  ruleOf,
  writeBackTarget,
  type ArgoImage,
  type ArgoSettings,
  type ArgoWriteBack,
} from './argo-settings.ts';
import { readImageUpdater } from './image-updater.ts';
import {
  DEFAULT_AUTHOR,
  DEFAULT_INTERVAL,
  DEFAULT_PER_HOUR,
  type Configuration,
  type ImageRule,
  type RefusedRule,
  type Updater,
} from './model.ts';

/** What Argo CD Image Updater is told of an Application, by its resources or by annotations; nothing where by none. */
export function readArgo(application: KubeObject, imageUpdaters: readonly KubeObject[]): Configuration {
  const { name, namespace = '' } = application.metadata;
  const subject = { namespace, name };
  const refuse = (what: string, thrown: unknown): RefusedRule => ({
    application: subject,
    name: what,
    problem: asLandfallError(thrown),
  });
  try {
    for (const updater of imageUpdaters) {
      const said = readImageUpdater(updater, application);
      if (said === undefined) continue;
      const where = `ImageUpdater ${namespace}/${updater.metadata.name} for Application ${name}`;
      return build(application, said, where, 'ImageUpdater', refuse);
    }
    if (!hasAnnotations(application)) return { updaters: [], refused: [] };
    const where = `annotations of Application ${namespace}/${name}`;
    return build(application, readAnnotations(application), where, 'annotations', refuse);
  } catch (thrown) {
    return { updaters: [], refused: [refuse('all images', thrown)] };
  }
}

function build(
  application: KubeObject,
  said: {
    readonly images: readonly ArgoImage[];
    readonly common: ArgoSettings;
    readonly writeBack: ArgoWriteBack;
  },
  where: string,
  origin: Updater['origin'],
  refuse: (what: string, thrown: unknown) => RefusedRule,
): Configuration {
  const { writeBack } = said;
  refuseOtherMethods(writeBack, where);
  const spec = applicationSpec(application);
  const source = spec.sources.find((each) => each.chart === undefined && each.path !== '') ?? spec.sources[0];
  const folder = source?.path.replace(/^\.\//, '').replace(/\/+$/, '') || '.';
  const target = writeBackTarget(writeBack, folder, where);
  const { base, push } = branchesOf(writeBack.branch, where);
  const images: ImageRule[] = [];
  const refused: RefusedRule[] = [];
  for (const image of said.images) {
    const settings = mergeSettings(said.common, image.settings);
    try {
      images.push(ruleOf({ ...image, settings }, target, where));
    } catch (thrown) {
      refused.push(refuse(image.alias === '' ? image.image : image.alias, thrown));
    }
  }
  const { name, namespace = '' } = application.metadata;
  const updater: Updater = {
    key: `Application/${namespace}/${name}`,
    origin,
    application: { namespace, name },
    git: {
      url: writeBack.repository ?? source?.repoURL ?? '',
      project: spec.project,
      revision: base ?? source?.targetRevision ?? 'HEAD',
      path: folder,
      ...(push === undefined ? {} : { push }),
      ...(writeBack.pullRequest === undefined ? {} : { pullRequest: { forge: writeBack.pullRequest } }),
    },
    images,
    commit: { author: DEFAULT_AUTHOR, message: undefined },
    intervalMs: DEFAULT_INTERVAL,
    perHour: DEFAULT_PER_HOUR,
    suspended: false,
  };
  return { updaters: images.length === 0 ? [] : [updater], refused };
}
