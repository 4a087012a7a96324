import { getObject, getString } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { condition, conditionsOf, deadlineAfter, said, until } from './facts.ts';
import type { ObjectHealth } from './facts.ts';

export function namespaceHealth(live: KubeObject): ObjectHealth {
  const name = objectName(live);
  const phase = getString(live, 'status', 'phase') ?? 'Active';
  if (phase === 'Active') return { state: 'not-applicable', reason: 'passive', text: `${name} is active` };
  const held = conditionsOf(live).find((each) => each.status === 'True');
  return {
    state: 'broken',
    reason: 'namespace-terminating',
    text: `${name} is ${phase}${held === undefined ? '' : `: ${said(held)}`}`,
  };
}

/** Its objects can be stored once the names are accepted and the API serves them. */
export function definitionHealth(live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const names = condition(live, 'NamesAccepted');
  if (names?.status === 'False')
    return { state: 'broken', reason: 'names-refused', text: `${name}: its names are taken: ${said(names)}` };
  const schema = condition(live, 'NonStructuralSchema');
  if (schema?.status === 'True')
    return {
      state: 'broken',
      reason: 'schema-refused',
      text: `${name}: its schema is not structural: ${said(schema)}`,
    };
  const established = condition(live, 'Established');
  if (established?.status === 'True')
    return { state: 'proven', reason: 'established', text: `${name} is established` };
  const what =
    established === undefined ? 'is not seen by its controller' : `is not established: ${said(established)}`;
  return until({ reason: 'not-established', text: `${name} ${what}` }, deadlineAfter(live), now);
}

/** An API behind a Service answers, or every discovery of the cluster is slowed by it. */
export function apiServiceHealth(live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const available = condition(live, 'Available');
  if (available?.status === 'True')
    return { state: 'proven', reason: 'available', text: `${name} is available` };
  if (getObject(live, 'spec', 'service') === undefined && available === undefined)
    return { state: 'proven', reason: 'local', text: `${name} is served by the API server itself` };
  const what =
    available === undefined ? 'is not seen by its controller' : `is not available: ${said(available)}`;
  return until({ reason: 'not-available', text: `${name} ${what}` }, deadlineAfter(live), now);
}

export function nodeHealth(live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const ready = condition(live, 'Ready');
  if (ready?.status === 'True') return { state: 'proven', reason: 'condition', text: `${name} is Ready` };
  return until(
    {
      reason: 'condition',
      text: `${name} is not Ready: ${ready === undefined ? 'no condition' : said(ready)}`,
    },
    deadlineAfter(live),
    now,
  );
}
