import type { Clock } from '../kernel/index.ts';
import type { GitMirror, GitMirrors } from '../git/index.ts';
import type { KubeClient } from '../kube/index.ts';
import type { RegistryClient } from '../oci/index.ts';
import type {
  CommitBuild,
  ErrorBaseline,
  GovernedImage,
  HealthRule,
  Observation,
  RenderedSet,
} from '../boundaries/index.ts';
import type { ApplicationSpec } from './application.ts';

export interface Sources {
  readonly kube: KubeClient;
  readonly git: GitMirrors;
  readonly registry: RegistryClient;
  readonly clock: Clock;
  /** The program that renders charts. Default: `helm` on the PATH. */
  readonly helm?: string;
}

/** What `landfall.yaml` at the tracked commit says of an application. */
export interface Declared {
  readonly environment: string | undefined;
  /** Repository that the images are built from. */
  readonly source: string | undefined;
  /** Images that we build. */
  readonly images: readonly string[];
  readonly observe: readonly Observation[];
  /** How to tell the health of kinds that Landfall does not know. */
  readonly health?: readonly HealthRule[];
}

export interface Question {
  readonly application: string;
  /** Namespace of the Application object; left out: wherever it is. */
  readonly namespace?: string;
  /** A commit or name of a release: of the deployment repository, or of the source that is built. */
  readonly revision?: string;
  readonly image?: string;
  readonly acceptSimulated?: boolean;
  /** Reads `landfall.yaml` of the tracked commit; undefined file means that there is none. */
  readonly declaredBy: (file: string | undefined, application: string) => Declared;
  /** The shares of errors that were measured under the release before this one. */
  readonly baselineFor?: (
    application: ApplicationSpec,
    digest: string | undefined,
  ) => Promise<ErrorBaseline | undefined>;
  /** What image policies would choose now, for the images that Git asks for. */
  readonly governedBy?: (
    looked: {
      readonly spec: ApplicationSpec;
      /** `landfall.yaml` of the tracked commit. */
      readonly file: string | undefined;
      readonly mirror: GitMirror;
      readonly commit: string;
      readonly set: RenderedSet;
    },
    signal: AbortSignal,
  ) => Promise<readonly GovernedImage[]>;
  /** Builds of a commit of the source, of any of these images, newest first. */
  readonly buildsOf?: (
    commit: string,
    images: readonly string[],
    signal: AbortSignal,
  ) => Promise<readonly CommitBuild[]>;
  readonly onProgress?: (step: string) => void;
}
