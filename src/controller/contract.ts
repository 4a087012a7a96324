import type { Clock, Logger } from '../kernel/index.ts';
import type { GitMirror, GitMirrors } from '../git/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { RegistryClients, UpdateReport } from '../pipeline/index.ts';
import type { Declarations } from './declarations.ts';
import type { FailurePolicy } from './failure-policy.ts';

export interface ControllerOptions {
  readonly client: KubeClient;
  readonly mirrors: GitMirrors;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Ms between two looks at Git for one application, with a third of it as jitter. Default: as argocd-cm says
   * (`timeout.reconciliation`), else 180,000.
   */
  readonly pollMs?: number;
  /** Applications that are worked on at a time. Default 16. */
  readonly concurrency?: number;
  /** Only Applications of this namespace; left out: of all namespaces. */
  readonly namespace?: string;
  /** Applications outside of this namespace track their objects as `NAMESPACE_NAME`, as in Argo CD. Default `argocd`. */
  readonly homeNamespace?: string;
  /** Ms after which an operation that still waits is ended. Default none, as in Argo CD. */
  readonly syncTimeoutMs?: number;
  /** Where journals and deliveries are kept; left out: what a failed sync has written stays. */
  readonly ledger?: Pick<Ledger, 'journals' | 'deliveries' | 'holds'> &
    Partial<Pick<Ledger, 'decisions' | 'clusters'>>;
  /** Registries that images are followed in; left out, or without a ledger: no images are updated. */
  readonly registries?: RegistryClients;
  /** The program that renders charts. Default `helm`. */
  readonly helm?: string;
  /** The program that opens files encrypted with SOPS. Default `sops`. */
  readonly sops?: string;
  /** Divides applications with other replicas; left out: this controller is alone. */
  readonly leases?: {
    /** Default 4. */
    readonly parts?: number;
    /** Ms until another replica takes over. Default 15,000. */
    readonly durationMs?: number;
    readonly identity?: string;
  };
  /**
   * What becomes of a sync that fails half way or is not healthy in time, where its application says nothing else.
   * Default: taken back, after ten minutes.
   */
  readonly failurePolicy?: Partial<FailurePolicy>;
  /** Variables of Flux Kustomizations without a value fail the build. Default false, as in Flux. */
  readonly strictSubstitutions?: boolean;
  /**
   * GitRepositories of Flux may name folders of the machine that the controller runs on: for who runs it beside their
   * own. In a cluster whoever may write one would read what others fetched. Default false, as in Flux.
   */
  readonly localRepositories?: boolean;
  /** 0 to 1, for jitter. Default Math.random. */
  readonly random?: () => number;
}

export interface Controller {
  /** Resolves once the Applications that exist are known and queued. */
  readonly ready: Promise<void>;
  /** Looks at Git and the cluster now; resolves when that turn has ended, and rejects with what kept it from ending. */
  reconcileNow(application: { readonly namespace: string; readonly name: string }): Promise<void>;
  /** Somebody pushed to repositories, named by `repositoryKey`: what reads them looks at Git now. Gives how many. */
  pushed(keys: ReadonlySet<string>): number;
  /** Images were pushed to these repositories (`registry/repository`): who follows them looks now. */
  imagesPushed(repositories: ReadonlySet<string>): void;
  /** One cycle of every updater now; resolves when it has ended. */
  updatesNow(): Promise<readonly UpdateReport[]>;
  /** What the repositories declare that something is delivered from. */
  readonly declarations: Declarations;
  /** A repository with the credentials that the cluster holds for it. */
  openRepository(url: string, signal: AbortSignal): Promise<GitMirror>;
  /** Repositories with the credentials that the cluster holds for the project or the source of an application. */
  gitOf(application: KubeObject): GitMirrors;
  /** Lets running turns end at their next wait, and stops. What was begun is taken up at the next start. */
  close(): Promise<void>;
}
