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

/**
 * The application that an object says it belongs to. An annotation that was copied along from another object names
 * that other object, and counts for nothing.
 */
export function trackedBy(object: KubeObject): string | undefined {
  const id = parseTrackingId(object.metadata.annotations?.[TRACKING_ANNOTATION]);
  if (id === undefined) return undefined;
  const { name, namespace } = object.metadata;
  const own =
    id.name === name &&
    id.kind === object.kind &&
    id.group === splitApiVersion(object.apiVersion).group &&
    (namespace === undefined || namespace === '' || id.namespace === namespace);
  return own ? id.application : undefined;
}

/** The object as it is applied for an application: with its tracking annotation. CRDs get none, as in Argo CD. */
export function withTracking(object: KubeObject, application: string, destination: string): KubeObject {
  if (object.kind === 'CustomResourceDefinition') return object;
  const annotations = {
    ...object.metadata.annotations,
    [TRACKING_ANNOTATION]: trackingId(object, application, destination),
  };
  return { ...object, metadata: { ...object.metadata, annotations } };
}
