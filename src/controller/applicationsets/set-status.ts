import { getArray, getObject, getString } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { kubeTime } from '../status.ts';
import type { RolloutCondition } from './rollout/index.ts';

const MAX_RESOURCES = 5000;
const ROLLOUT: ReadonlySet<string> = new Set(['RolloutProgressing', 'InvalidRolloutConfig']);
/** Where parameters, and not what came of them, are wrong. */
const GENERATION: ReadonlySet<string> = new Set([
  'ApplicationGenerationFromParamsError',
  'RenderTemplateParamsError',
]);

/** `status` of an ApplicationSet as Argo CD keeps it: three conditions, and its Applications as they are. */
export function applicationSetStatus(
  before: JsonObject,
  {
    failure,
    rolling,
  }: {
    readonly failure: { readonly message: string; readonly reason: string } | undefined;
    /** Of a progressive sync; without conditions: nobody looked at it, and what was said stays. */
    readonly rolling: { readonly conditions: readonly RolloutCondition[] | undefined } | undefined;
  },
  applications: readonly KubeObject[],
  now: number,
): JsonObject {
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string): JsonValue => {
    const fresh: JsonObject = { type, status, reason, message };
    const had = getArray(before, 'conditions').find((item) => getString(item, 'type') === type);
    const same = ['status', 'reason', 'message'].every((field) => getString(had, field) === fresh[field]);
    return had !== undefined && same ? had : { ...fresh, lastTransitionTime: kubeTime(now) };
  };
  const kept = getArray(before, 'conditions').filter((item) => ROLLOUT.has(getString(item, 'type') ?? ''));
  const ofRollout =
    rolling === undefined
      ? []
      : (rolling.conditions?.map(({ type, status, reason, message }) =>
          condition(type, status, reason, message),
        ) ?? kept);
  const generated = failure === undefined || !GENERATION.has(failure.reason);
  const parameters = generated
    ? condition(
        'ParametersGenerated',
        'True',
        'ParametersGenerated',
        'Successfully generated parameters for all Applications',
      )
    : condition('ParametersGenerated', 'False', 'ErrorOccurred', failure.message);
  const done = 'All applications have been generated successfully';
  const conditions =
    failure === undefined
      ? [
          condition('ErrorOccurred', 'False', 'ApplicationSetUpToDate', done),
          parameters,
          condition('ResourcesUpToDate', 'True', 'ApplicationSetUpToDate', done),
        ]
      : [
          condition('ErrorOccurred', 'True', failure.reason, failure.message),
          parameters,
          condition('ResourcesUpToDate', 'False', 'ErrorOccurred', failure.message),
        ];
  const resources = applications
    .map(resourceOf)
    .toSorted((a, b) => ((getString(a, 'name') ?? '') < (getString(b, 'name') ?? '') ? -1 : 1));
  const next: JsonObject = {
    ...before,
    conditions: [...conditions, ...ofRollout],
    resources: resources.slice(0, MAX_RESOURCES),
    resourcesCount: resources.length,
  };
  if (resources.length === 0) delete next['resources'];
  if (rolling === undefined) delete next['applicationStatus'];
  return next;
}

function resourceOf(application: KubeObject): JsonObject {
  const { name, namespace } = application.metadata;
  const sync = getString(application, 'status', 'sync', 'status');
  const health = getObject(application, 'status', 'health');
  return {
    group: 'argoproj.io',
    version: 'v1alpha1',
    kind: 'Application',
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(sync === undefined ? {} : { status: sync }),
    ...(health === undefined ? {} : { health }),
  };
}
