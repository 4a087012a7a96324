import { isHook } from '../../boundaries/index.ts';
import { getArray, getIn, getString, jsonEqual } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { ObjectChange } from '../../kustomize/index.ts';
import type { Refusal } from '../promotion/index.ts';

/** Fields that the API server does not let change once an object is there, below `spec` where not said otherwise. */
const IMMUTABLE: Readonly<Record<string, (field: readonly string[]) => boolean>> = {
  Deployment: ([top]) => top === 'selector',
  ReplicaSet: ([top]) => top === 'selector',
  DaemonSet: ([top]) => top === 'selector',
  // Source: Kubernetes pkg/apis/apps/validation, ValidateStatefulSetUpdate.
  StatefulSet: ([top = '']) =>
    ![
      'replicas',
      'template',
      'updateStrategy',
      'persistentVolumeClaimRetentionPolicy',
      'minReadySeconds',
      'ordinals',
      'revisionHistoryLimit',
    ].includes(top),
  Job: ([top = '']) => ['selector', 'template', 'completionMode'].includes(top),
  PersistentVolumeClaim: ([top = '']) => !['resources', 'volumeAttributesClassName'].includes(top),
  Service: ([top = '']) => top === 'clusterIP' || top === 'clusterIPs',
};

function plain(path: readonly (string | number)[]): readonly string[] {
  return path.filter((step): step is string => typeof step === 'string' && !step.includes('='));
}

/** Changes that the API server would refuse. */
export function immutableChanges(changes: readonly ObjectChange[]): readonly string[] {
  return changes.flatMap((change) =>
    change.fields.flatMap((field) => {
      const [top, ...rest] = plain(field.path);
      const name = `${change.kind}/${change.name}`;
      const where =
        field.cause === undefined || field.cause.file === ''
          ? ''
          : `   ${field.cause.file}:${field.cause.line}`;
      const fixed =
        (top === 'spec' && IMMUTABLE[change.kind]?.(rest) === true) ||
        (top === 'roleRef' && change.kind.endsWith('RoleBinding'));
      return fixed ? [`${name} ${[top, ...rest].join('.')} cannot be changed${where}`] : [];
    }),
  );
}

/** What cannot be brought back once it is gone. */
const KEEPS_DATA = new Set([
  'PersistentVolumeClaim',
  'PersistentVolume',
  'CustomResourceDefinition',
  'Namespace',
  'StatefulSet',
]);

export function losses(changes: readonly ObjectChange[]): readonly string[] {
  return changes.flatMap(({ change, kind, name, cause }) =>
    change === 'removed' && KEEPS_DATA.has(kind)
      ? [
          `${kind}/${name} would be removed, with what it keeps${cause === undefined || cause.file === '' ? '' : `   ${cause.file}:${cause.line}`}`,
        ]
      : [],
  );
}

const BEFORE = /(?:^|,)\s*(?:PreSync|pre-install|pre-upgrade)\s*(?:,|$)/;

function runsBefore(object: KubeObject): boolean {
  const annotations = object.metadata.annotations ?? {};
  const hook = annotations['argocd.argoproj.io/hook'] ?? annotations['helm.sh/hook'] ?? '';
  return isHook(object) ? BEFORE.test(hook) : object.kind === 'Job';
}

function imagesOf(object: KubeObject): readonly string[] {
  return getArray(object, 'spec', 'template', 'spec', 'containers').map(
    (container) => getString(container, 'image') ?? '',
  );
}

/** Jobs and hooks that ran with a later release than the one that is gone back to: migrations, as far as anybody knows. */
export function migrations(now: readonly KubeObject[], then: readonly KubeObject[]): readonly string[] {
  return now.filter(runsBefore).flatMap((object) => {
    const before = then.find(
      ({ kind, metadata }) => kind === object.kind && metadata.name === object.metadata.name,
    );
    if (before !== undefined && jsonEqual(getIn(before, 'spec') ?? null, getIn(object, 'spec') ?? null))
      return [];
    const ran = `${object.kind}/${object.metadata.name} ran ${imagesOf(object).join(', ')}`;
    return [
      `${ran}; ${before === undefined ? 'the release before had none' : `with the release before it ran ${imagesOf(before).join(', ')}`}`,
    ];
  });
}

export interface ObstacleFacts {
  readonly changes: readonly ObjectChange[];
  readonly now: readonly KubeObject[];
  readonly before: readonly KubeObject[];
  /** Images that the registry does not have, or of which it is not known. */
  readonly missing: readonly string[];
  readonly unread: readonly string[];
  /** Objects that the API server would not take, with its reason. */
  readonly refused?: readonly string[];
  /** Why nobody knows that the release ever landed; undefined where it did. */
  readonly neverLanded: string | undefined;
}

/** Why a rollback cannot work, or may do harm; told before it starts. Those of `certain` no reason overrides. */
export function obstaclesOf(facts: ObstacleFacts): readonly (Refusal & { readonly certain: boolean })[] {
  const { changes, now, before, missing, unread, refused = [], neverLanded } = facts;
  // A hook is deleted and made anew.
  const hooks = new Set(now.filter(isHook).map(({ kind, metadata }) => `${kind}/${metadata.name}`));
  const fixed = immutableChanges(changes.filter(({ kind, name }) => !hooks.has(`${kind}/${name}`)));
  const found: (Refusal & { readonly certain: boolean })[] = [];
  const add = (certain: boolean, code: string, message: string, lines: readonly string[], hint: string) => {
    if (lines.length > 0) found.push({ certain, code, message, lines, hint });
  };
  add(
    true,
    'rollback-image-gone',
    'The images to go back to are not in their registry any more.',
    missing,
    'Push them again, or go back to another delivery: landfall history APP, then --to DELIVERY.',
  );
  add(
    false,
    'rollback-image-unread',
    'Whether the images to go back to are still there is not known: the registry does not answer.',
    unread,
    'Try again when it does. Nodes that hold the images would start them all the same: --override REASON.',
  );
  add(
    true,
    'rollback-immutable',
    'The API server does not let these fields change.',
    fixed,
    'Go back by images alone (--images-only), or recreate those objects by hand.',
  );
  add(
    true,
    'rollback-server-refuses',
    'The API server was asked, and would not take these objects.',
    // What is known to be fixed is told with file and line.
    refused.filter((line) => !fixed.some((known) => known.startsWith(`${line.split(':')[0] ?? ''} `))),
    'Go back by images alone (--images-only), or recreate those objects by hand.',
  );
  add(
    false,
    'rollback-loses-data',
    'Objects that keep data would be removed.',
    losses(changes),
    'Go back by images alone (--images-only), or keep them in Git; --override REASON if that is meant.',
  );
  add(
    false,
    'rollback-migration',
    'A migration may have run since: older code would meet newer data.',
    migrations(now, before),
    'See whether the older release works with the data as it is now; then --override REASON.',
  );
  add(
    false,
    'rollback-never-landed',
    'What is gone back to has never been proven here.',
    neverLanded === undefined ? [] : [neverLanded],
    'Choose a delivery that landed (landfall history APP), or --override REASON.',
  );
  return found;
}
