import type { TagFilter, TagPolicy } from '../../../boundaries/intent/index.ts';
import type { Platform } from '../../../oci/index.ts';
import type { LandfallError } from '../../../kernel/index.ts';
import type { Signing } from '../../../git/index.ts';
import type { DeclaredForge, TokenSource } from '../../forge/index.ts';
import type { ImageParameters, WriteTarget } from '../write.ts';

/** Where the credentials for a registry lie in the cluster; a Docker configuration unless `field` names a key. */
export interface PullSecretReference {
  readonly namespace: string;
  readonly name: string;
  /** Key that holds `user:password`. */
  readonly field?: string;
}

/** One image that is kept at what a policy chooses. */
export interface ImageRule {
  /** What people call it: an alias, `namespace/name` of an ImagePolicy, or the image. */
  readonly name: string;
  /** Where it is configured, for messages: `annotation app.allow-tags of Application argocd/shop`. */
  readonly where: string;
  /** As manifests name it, without tag and digest. */
  readonly image: string;
  /** Where its tags are; in full, with the registry. */
  readonly repository: string;
  readonly policy: TagPolicy;
  readonly filter: TagFilter;
  /** Empty: those of the nodes of the target cluster. */
  readonly platforms: readonly Platform[];
  readonly pullSecret?: PullSecretReference;
  /** Whether it is written although nothing that is rendered names it. */
  readonly force: boolean;
  readonly target: WriteTarget;
  /** What the chart calls its parts, where Argo CD Image Updater is told so. */
  readonly parameters?: ImageParameters;
  /** Repository of the source whose commits order the tags, for the policy `commits`. */
  readonly source?: string;
  /** Flux: the digest is left out (`Never`), kept (`IfNotPresent`), or follows the tag. Left out: written always. */
  readonly digests?: 'Always' | 'IfNotPresent' | 'Never';
}

/** How a commit of an updater looks, in the language of whoever configured it. */
export interface CommitStyle {
  readonly author: { readonly name: string; readonly email: string };
  /** Go templates for Flux; `{application}` and `{images}` for Landfall. Undefined: Landfall's own words. */
  readonly message:
    | { readonly language: 'go'; readonly text: string; readonly values: Readonly<Record<string, string>> }
    | { readonly language: 'landfall'; readonly text: string }
    | undefined;
  readonly sign?: Signing;
}

/** Where a commit goes. */
export interface GitPlace {
  readonly url: string;
  /** Project of the Application, for its credentials. */
  readonly project: string;
  /** Branch, tag or commit that is read; `HEAD` for the default branch. */
  readonly revision: string;
  /** Folder that is rendered, or below which setters are looked for. */
  readonly path: string;
  /** Branch to push to instead of the one that is read; a Go template where it holds `{{`. */
  readonly push?: string;
  /** Open a pull request from `push`. */
  readonly pullRequest?: PullRequestPolicy;
}

export interface PullRequestPolicy {
  readonly forge: 'github' | 'gitlab' | 'gitea' | 'auto';
  /** Name of the environment variable, or file, that holds the token. */
  readonly token?: TokenSource;
  /** `forges` of landfall.yaml. */
  readonly declared?: readonly (DeclaredForge & { readonly token?: TokenSource })[];
}

/** What keeps the images of one application, or of one Flux automation, up to date. */
export interface Updater {
  /** Unique in a cluster: `Application/argocd/shop`, `ImageUpdateAutomation/flux-system/apps`. */
  readonly key: string;
  readonly origin: 'annotations' | 'ImageUpdater' | 'ImageUpdateAutomation' | 'landfall.yaml';
  /** The application that holds, the ledger and commands name. */
  readonly application: { readonly namespace: string; readonly name: string };
  /** Applications that its commits change; a hold on any of them holds it. Left out: `application` alone. */
  readonly covers?: readonly { readonly namespace: string; readonly name: string }[];
  readonly git: GitPlace;
  readonly images: readonly ImageRule[];
  readonly commit: CommitStyle;
  /** Ms between two looks. */
  readonly intervalMs: number;
  /** Commits per hour, at most. */
  readonly perHour: number;
  /** Somebody has switched it off in its own configuration. */
  readonly suspended: boolean;
}

/** A piece of configuration that is not acted on, and why. */
export interface RefusedRule {
  readonly application: { readonly namespace: string; readonly name: string };
  readonly name: string;
  readonly problem: LandfallError;
}

export interface Configuration {
  readonly updaters: readonly Updater[];
  readonly refused: readonly RefusedRule[];
}

export const DEFAULT_AUTHOR = { name: 'Landfall', email: 'landfall@noreply.invalid' } as const;
export const DEFAULT_INTERVAL = 120_000;
export const DEFAULT_PER_HOUR = 20;
