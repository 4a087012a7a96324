import { splitApiVersion } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';

/** Argo CD's annotation that says to which application an object belongs (its default tracking method). */
export const TRACKING_ANNOTATION = 'argocd.argoproj.io/tracking-id';

export interface TrackingId {
  readonly application: string;
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** `APP:GROUP/KIND:NAMESPACE/NAME`; cluster-scoped objects carry the destination's namespace. */
export function trackingId(object: KubeObject, application: string, destination: string): string {
  const { group } = splitApiVersion(object.apiVersion);
  return `${application}:${group}/${object.kind}:${object.metadata.namespace ?? destination}/${object.metadata.name}`;
}

export function parseTrackingId(text: string | undefined): TrackingId | undefined {
  const match = /^([^:]*):([^:/]*)\/([^:/]*):([^:/]*)\/([^/]*)$/.exec(text ?? '');
  if (match === null) return undefined;
  const [, application = '', group = '', kind = '', namespace = '', name = ''] = match;
  return { application, group, kind, namespace, name };
}

/** How objects say to which application they belong: `application.resourceTrackingMethod` and its like of Argo CD. */
export interface Tracking {
  readonly method: 'annotation' | 'label' | 'annotation+label';
  readonly labelKey: string;
  /** Of several Argo CDs that deliver to one cluster, which one; empty: it is the only one. */
  readonly installationId: string;
}

/** As Argo CD has it where nothing is said. */
export const DEFAULT_TRACKING: Tracking = {
  method: 'annotation',
  labelKey: 'app.kubernetes.io/instance',
  installationId: '',
};
const INSTALLATION_ANNOTATION = 'argocd.argoproj.io/installation-id';
const LONGEST_LABEL = 63;

/**
 * The application that an object says it belongs to. An annotation that was copied along from another object names
 * that other object, and counts for nothing.
 */
export function trackedBy(object: KubeObject, tracking: Tracking = DEFAULT_TRACKING): string | undefined {
  if (tracking.method === 'label') return object.metadata.labels?.[tracking.labelKey] || undefined;
  const { annotations = {} } = object.metadata;
  const { installationId } = tracking;
  if (installationId !== '' && annotations[INSTALLATION_ANNOTATION] !== installationId) return undefined;
  const id = parseTrackingId(annotations[TRACKING_ANNOTATION]);
  if (id === undefined) return undefined;
  const { name, namespace } = object.metadata;
  const own =
    id.name === name &&
    id.kind === object.kind &&
    id.group === splitApiVersion(object.apiVersion).group &&
    (namespace === undefined || namespace === '' || id.namespace === namespace);
  return own ? id.application : undefined;
}

/**
 * The object as it is applied for an application: with its mark. Definitions get none, as in Argo CD. Source: Argo CD
 * util/argo/resource_tracking.go.
 */
export function withTracking(
  object: KubeObject,
  application: string,
  destination: string,
  tracking: Tracking = DEFAULT_TRACKING,
): KubeObject {
  if (object.kind === 'CustomResourceDefinition') return object;
  const labelled = tracking.method !== 'annotation';
  const annotated = tracking.method !== 'label';
  // Where the label alone tells, it is the whole name or none: the API server says that it is too long.
  const label = tracking.method === 'label' ? application : shortened(application);
  const metadata = {
    ...object.metadata,
    ...(labelled ? { labels: { ...object.metadata.labels, [tracking.labelKey]: label } } : {}),
    ...(annotated
      ? {
          annotations: {
            ...object.metadata.annotations,
            [TRACKING_ANNOTATION]: trackingId(object, application, destination),
            ...(tracking.installationId === '' ? {} : { [INSTALLATION_ANNOTATION]: tracking.installationId }),
          },
        }
      : {}),
  };
  return { ...object, metadata };
}

function shortened(name: string): string {
  return name.slice(0, LONGEST_LABEL).replace(/[^a-zA-Z0-9]+$/, '');
}
