import type { KubeObject } from '../../kube/index.ts';
import { annotationList } from '../../boundaries/sync/index.ts';

/** The sync options of one operation, out of their texts. Source: Argo CD's sync options. */
export interface SyncOptions {
  readonly createNamespace: boolean;
  readonly outOfSyncOnly: boolean;
  readonly pruneLast: boolean;
  readonly propagation: 'Foreground' | 'Background' | 'Orphan';
  readonly skipDryRunOnMissing: boolean;
  readonly respectIgnored: boolean;
  readonly validate: boolean;
  readonly replace: boolean;
  readonly failOnShared: boolean;
  /** Fields that a client-side apply left behind are taken over, so that leaving one out of Git removes it. */
  readonly migrate: boolean;
  /** What holds for objects that do not say `Prune=` themselves. */
  readonly prune: string | undefined;
}

const ON = '(?:true|false)';

/** Options that are honoured, or that ask for what is always done (`ServerSideApply`). */
const KNOWN: readonly RegExp[] = [
  new RegExp(
    `^(?:CreateNamespace|ServerSideApply|ApplyOutOfSyncOnly|PruneLast|SkipDryRunOnMissingResource)=${ON}$`,
  ),
  new RegExp(
    `^(?:RespectIgnoreDifferences|Validate|Replace|FailOnSharedResource|ClientSideApplyMigration)=${ON}$`,
  ),
  /^PrunePropagationPolicy=(?:foreground|background|orphan)$/,
  /^(?:Prune|Delete)=(?:true|false|confirm)$/,
  /^Force=false$/,
];

/** Options that an Application may not set for all of its objects, or that nobody knows. */
export function unknownOptions(options: readonly string[]): readonly string[] {
  return options.filter((option) => !KNOWN.some((known) => known.test(option)));
}

/** The value of `NAME=value`; the first one counts. */
export function optionValue(options: readonly string[], name: string): string | undefined {
  const prefix = `${name}=`;
  return options.find((option) => option.startsWith(prefix))?.slice(prefix.length);
}

export function syncOptions(options: readonly string[]): SyncOptions {
  const has = (option: string) => options.includes(option);
  return {
    createNamespace: has('CreateNamespace=true'),
    outOfSyncOnly: has('ApplyOutOfSyncOnly=true'),
    pruneLast: has('PruneLast=true'),
    propagation: has('PrunePropagationPolicy=background')
      ? 'Background'
      : has('PrunePropagationPolicy=orphan')
        ? 'Orphan'
        : 'Foreground',
    skipDryRunOnMissing: has('SkipDryRunOnMissingResource=true'),
    respectIgnored: has('RespectIgnoreDifferences=true'),
    validate: !has('Validate=false'),
    replace: has('Replace=true'),
    failOnShared: has('FailOnSharedResource=true'),
    migrate: !has('ClientSideApplyMigration=false'),
    prune: optionValue(options, 'Prune'),
  };
}

/** The sync options that an object sets for itself. */
export function objectOptions(object: KubeObject | undefined): readonly string[] {
  return object === undefined ? [] : annotationList(object, 'argocd.argoproj.io/sync-options');
}
