import { mapBounded } from '../kernel/index.ts';
import { objectName } from '../kube/index.ts';
import type { KubeClient } from '../kube/index.ts';
import type { DryRunContext } from './dry-run.ts';
import { firstLine } from './field-changes.ts';
import { identityOf, permissionsOf } from './permissions.ts';
import { whereObject } from './plan.ts';
import type { Plan, PlanProblem } from './plan.ts';
import { relationsOf } from './relations.ts';
import { missingReferences, stillUnfit } from './relations-in-cluster.ts';
import { askObjects } from './ask-objects.ts';
import { contestedIn, extraItem, itemOf, needOf, problemOf } from './plan-items.ts';
import type { PlanRequest } from './plan-request.ts';

const AT_ONCE = 24;

/**
 * Everything that can be known before the first write: what would change, and everything that stands in the way, at
 * once. Costs a dry run for each object, a read for each that is there, and one question for each verb on each kind.
 * Throws only when the API server is away or does not accept our credentials.
 */
export async function makePlan(client: KubeClient, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const set = request.set.map(({ object }) => object);
  const context: DryRunContext = {
    client,
    signal,
    set,
    coming: new Set(set.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name)),
  };
  const permissions = permissionsOf(client, signal);
  const relations = relationsOf(request.set);
  const [asked, unfit, missing, identity] = await Promise.all([
    askObjects(request, context, permissions),
    stillUnfit(client, relations.problems, signal),
    missingReferences(client, relations.references, request.set, signal),
    request.identity ?? identityOf(client, signal),
  ]);
  const items = [
    ...(await mapBounded(asked, AT_ONCE, (one) => itemOf(one, request, context))),
    ...request.extra.map((object) => extraItem(object, request)),
  ];
  const needs = items.flatMap(needOf);
  const denied = await permissions.denied(needs);
  const loose = [...unfit, ...missing.problems].map(({ facts, path, message }) =>
    problemOf(facts.object, 'relation', message, firstLine(facts, path) ?? whereObject(facts)),
  );
  const problems: PlanProblem[] = [
    ...items.flatMap(({ problem }) => problem ?? []),
    ...denied.map(({ object, verb, resource, reason }) => {
      const place = object.metadata.namespace === undefined ? '' : ` in ${object.metadata.namespace}`;
      const words = reason === '' ? '' : `: ${reason}`;
      const message = `${identity ?? 'this identity'} may not ${verb} ${resource}${place}${words}`;
      return problemOf(object, 'permission', message, undefined);
    }),
    ...(request.looseRelations ? [] : loose),
  ];
  return {
    items: items.map(({ item }) => item),
    problems: withoutEchoes(problems),
    warnings: [
      ...(request.looseRelations
        ? loose.map(({ kind, name, message }) => `${kind}/${name}: ${message}`)
        : []),
      ...missing.warnings,
      ...items.flatMap(({ item }) => contestedIn(item)),
      ...asked.flatMap(({ dry, desired }) =>
        dry.state === 'accepted' ? dry.warnings.map((text) => `${objectName(desired)}: ${text}`) : [],
      ),
    ],
    identity,
    allowed: {
      verbs: [...new Set(needs.flatMap(({ verbs }) => verbs))],
      kinds: new Set(needs.map(({ object }) => object.kind)).size,
    },
    dryRun: {
      asked: asked.filter(({ dry }) => dry.state === 'refused' || dry.checked !== 'none').length,
      refused: asked.filter(({ dry }) => dry.state === 'refused').length,
      later: asked.filter(
        ({ dry }) =>
          dry.state === 'accepted' && (dry.checked === 'elsewhere' || dry.checked === 'definition'),
      ).length,
    },
  };
}

/** What is said once need not be said for each object: the same namespace missing, the same verb refused. */
function withoutEchoes(problems: readonly PlanProblem[]): readonly PlanProblem[] {
  const denied = new Set(problems.filter(({ check }) => check === 'permission').map(({ kind }) => kind));
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const { check, kind, message } = problem;
    if (check === 'dry-run' && denied.has(kind) && /forbidden: User /.test(message)) return false;
    const key =
      check === 'cluster' || check === 'permission' ? `${check} ${message}` : JSON.stringify(problem);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
