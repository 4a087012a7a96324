import type { FileTree, GitMirror } from '../../git/index.ts';
import type { Reading, RenderedSet, TrackedRevision } from '../../boundaries/index.ts';
import type { KubeObject } from '../../kube/index.ts';

export interface Rendering {
  readonly set: RenderedSet;
  /** What the other sources are now, which the controller has to have as well. */
  readonly also: readonly string[];
}

/** A revision that somebody asked about, and whether what is tracked holds it. */
export interface FoundRevision {
  readonly commit: string;
  readonly contained: boolean;
}

/** What was read of where an application comes from: what that is now, and what it renders to. */
export interface Origin {
  /** As it may be shown: without credentials. */
  readonly display: string;
  readonly tracked: Reading<TrackedRevision>;
  /** What the controller has to have delivered. */
  readonly expected: Reading<string>;
  /** Since when that is there, ms since the epoch; undefined where nobody says. */
  readonly since: number | undefined;
  /** Ms between two looks of what fetches it; left out: not known. */
  readonly pollMs?: number;
  /** The repository and the commit, where it comes from one. */
  readonly git?: { readonly mirror: GitMirror; readonly commit: string };
  /** The files beside it, where a landfall.yaml may lie. */
  readonly files: FileTree | undefined;
  /** Of the values of a release. */
  readonly configDigest?: string;
  /** The Flux Kustomization that Git asks for a release with, where one does. */
  readonly registration?: Registration;
  /** What would be delivered. Throws what cannot be read. */
  render(): Promise<Rendering>;
  /** What it rendered to at another commit; left out where that is more than a commit. Throws what cannot be read. */
  readonly renderAt?: (commit: string) => Promise<RenderedSet>;
  /** Throws `not-found` for what is no revision of it. */
  find(revision: string): Promise<FoundRevision>;
}

/** A release as the repository asks for it that a Kustomization delivers. */
export interface Registration {
  readonly kustomization: KubeObject;
  readonly expected: Reading<string>;
  readonly since: number | undefined;
  readonly pollMs?: number;
  /** In what the release in the cluster is not as its file asks for: `spec.chart.spec.version`. */
  readonly differs: readonly { readonly field: string; readonly where: string | undefined }[];
}
