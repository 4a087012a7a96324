import type { KubeObject } from '../../../kube/index.ts';
import type { ArgoImage, ArgoSettings, ArgoWriteBack } from './argo-settings.ts';
import { configurationError } from './names.ts';

const PREFIX = 'argocd-image-updater.argoproj.io';
const IMAGE_LIST = `${PREFIX}/image-list`;

/** Whether an Application carries annotations of Argo CD Image Updater. */
export function hasAnnotations(application: KubeObject): boolean {
  return application.metadata.annotations?.[IMAGE_LIST] !== undefined;
}

/** What the annotations say; throws `invalid-input` where they contradict themselves. */
export function readAnnotations(application: KubeObject): {
  readonly images: readonly ArgoImage[];
  readonly common: ArgoSettings;
  readonly writeBack: ArgoWriteBack;
} {
  const { annotations = {}, name, namespace = '' } = application.metadata;
  const where = `annotations of Application ${namespace}/${name}`;
  const of = (key: string): string | undefined => {
    const text = annotations[`${PREFIX}/${key}`]?.trim();
    return text === '' ? undefined : text;
  };
  const images = (annotations[IMAGE_LIST] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part): ArgoImage => {
      const equals = part.indexOf('=');
      // A slash cannot stand in the name of an annotation.
      const alias = equals < 0 ? '' : part.slice(0, equals).trim();
      const image = part.slice(equals + 1).trim();
      if (image === '') throw configurationError(where, `image-list has an empty image`, 'Name the image.');
      const prefix = alias === '' ? undefined : `${alias.replaceAll('/', '_')}.`;
      if (prefix === undefined) return { alias, image, settings: {} };
      const kustomizeName = of(`${prefix}kustomize.image-name`);
      const helm = given({
        name: of(`${prefix}helm.image-name`),
        tag: of(`${prefix}helm.image-tag`),
        spec: of(`${prefix}helm.image-spec`),
      });
      if (kustomizeName !== undefined && Object.keys(helm).length > 0)
        throw configurationError(
          where,
          `${alias} has names for kustomize and for Helm`,
          'Keep the one that the application is made with.',
        );
      return {
        alias,
        image,
        settings: settingsOf(of, prefix, where),
        ...(kustomizeName === undefined ? {} : { kustomizeName }),
        ...(Object.keys(helm).length === 0 ? {} : { helm }),
      };
    });
  if (images.length === 0) throw configurationError(where, 'image-list is empty', 'Name an image.');
  return {
    images,
    common: settingsOf(of, '', where),
    writeBack: given({
      method: of('write-back-method'),
      target: of('write-back-target'),
      branch: of('git-branch'),
      repository: of('git-repository'),
    }),
  };
}

function settingsOf(of: (key: string) => string | undefined, prefix: string, where: string): ArgoSettings {
  const list = (text: string | undefined) => text?.split(',').map((part) => part.trim());
  const force = of(`${prefix}force-update`);
  if (force !== undefined && !/^(?:1|t|true|0|f|false)$/i.test(force))
    throw configurationError(where, `${prefix}force-update is '${force}'`, 'Write true or false.');
  return given({
    strategy: of(`${prefix}update-strategy`),
    allowTags: of(`${prefix}allow-tags`),
    ignoreTags: list(of(`${prefix}ignore-tags`)),
    // Only of an image, as in the original.
    platforms: prefix === '' ? undefined : list(of(`${prefix}platforms`))?.filter((text) => text !== ''),
    pullSecret: of(`${prefix}pull-secret`),
    force: force === undefined ? undefined : /^(?:1|t|true)$/i.test(force),
  });
}

type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is undefined: what is said further out then counts. */
export function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}
