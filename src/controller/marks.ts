import { splitApiVersion } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { annotationList, hookTypes } from '../boundaries/sync/index.ts';
import type { Condition } from './status.ts';

const OPTIONS = 'argocd.argoproj.io/sync-options';
const HOOK = 'argocd.argoproj.io/hook';
const POLICY = 'argocd.argoproj.io/hook-delete-policy';
const WAVE = 'argocd.argoproj.io/sync-wave';
const POLICIES =
  /^(?:BeforeHookCreation|HookSucceeded|HookFailed|before-hook-creation|hook-succeeded|hook-failed)$/;
const MOST = 10;

const SWITCHES =
  'Replace|Force|Validate|ServerSideApply|PruneLast|SkipDryRunOnMissingResource|ClientSideApplyMigration';
/** Options that an object may set for itself. */
const KNOWN: readonly RegExp[] = [
  new RegExp(`^(?:${SWITCHES})=(?:true|false)$`),
  /^(?:Prune|Delete)=(?:true|false|confirm)$/,
];

/** What Argo CD's annotations of one object say that nobody here understands. */
function misunderstood(object: KubeObject): readonly string[] {
  const { annotations = {} } = object.metadata;
  const found = annotationList(object, OPTIONS)
    .filter((option) => !KNOWN.some((known) => known.test(option)))
    .map((option) => `${OPTIONS} ${option}`);
  if (annotations[HOOK] !== undefined && hookTypes(object).length < annotationList(object, HOOK).length) {
    const never = hookTypes(object).length === 0 ? ', so that it never runs' : '';
    found.push(`${HOOK} ${annotations[HOOK]}${never}`);
  }
  for (const policy of annotationList(object, POLICY)) {
    if (!POLICIES.test(policy)) found.push(`${POLICY} ${policy}`);
  }
  const wave = annotations[WAVE];
  if (wave !== undefined && !/^[+-]?\d{1,9}$/.test(wave)) found.push(`${WAVE} ${wave}, which counts as none`);
  return found;
}

/** Marks of objects that change nothing because they are no known ones: said, as a wrong word may be meant to protect. */
export function misunderstoodMarks(objects: readonly KubeObject[]): readonly Condition[] {
  const all = objects.flatMap((object) =>
    misunderstood(object).map((text) => {
      const { group } = splitApiVersion(object.apiVersion);
      return `${group === '' ? '' : `${group}/`}${object.kind}/${object.metadata.name}: ${text}`;
    }),
  );
  if (all.length === 0) return [];
  const more = all.length > MOST ? `; and ${all.length - MOST} more` : '';
  return [
    {
      type: 'UnknownFieldWarning',
      message: `annotations that this controller does not understand: ${all.slice(0, MOST).join('; ')}${more}`,
    },
  ];
}
