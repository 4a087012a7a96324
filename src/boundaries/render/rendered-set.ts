import type { RenderFinding } from '../../kustomize/index.ts';
import type { RenderedFacts } from '../rendered.ts';

/** Argo CD's names for the kinds of sources. */
export type SourceType = 'Kustomize' | 'Directory' | 'Helm' | 'Plugin';

/** Why nothing could be rendered, although everything could be read: the files are wrong. */
export interface RenderFailure {
  readonly code: string;
  readonly message: string;
  /** `k8s/base/deployment.yaml:12:5`, as exact as is known. */
  readonly where?: string;
  readonly hint?: string;
}

/** What the manifests of one revision say. With a `failure` there are no objects: never half of a set. */
export interface RenderedSet {
  readonly sourceType: SourceType;
  /** As rendered: an object that names no namespace has none yet. */
  readonly objects: readonly RenderedFacts[];
  readonly findings: readonly RenderFinding[];
  readonly warnings: readonly string[];
  readonly failure?: RenderFailure;
}
