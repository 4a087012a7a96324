import { getString } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { Claim } from '../boundary.ts';
import { objectSource } from '../source.ts';
import type { ApplicationStatus, ResourceResult } from './application.ts';
import { syncCounts, syncCountsText } from './counts.ts';

/** `Deployment/shop/web`, as people name what a status lists. */
export function resultName(item: {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}): string {
  return item.namespace === '' ? `${item.kind}/${item.name}` : `${item.kind}/${item.namespace}/${item.name}`;
}

/** What the status says, word for word. */
export function claimsOf(object: KubeObject, status: ApplicationStatus, now: number): Claim[] {
  const { name, namespace } = object.metadata;
  const subject = namespace === undefined ? `Application/${name}` : `Application/${namespace}/${name}`;
  const base = {
    boundary: 'sync' as const,
    subject,
    source: objectSource(object),
    at: new Date(now).toISOString(),
  };
  const claims: Claim[] = [];
  const claim = (attribute: string, value: string | undefined) => {
    if (value !== undefined && value !== '') claims.push({ ...base, attribute, value });
  };
  claim('sync.status', status.sync);
  claim('sync.revision', status.revisions.join(' '));
  claim('health.status', status.health);
  claim('reconciledAt', getString(object, 'status', 'reconciledAt'));
  claim('operation.phase', status.operation?.phase);
  claim('operation.message', status.operation?.message);
  claim('operation.revision', status.operation?.revision);
  if (status.operation !== undefined && status.operation.results.length > 0) {
    claim('operation.resources', syncCountsText(syncCounts(status.operation.results)));
  }
  for (const condition of status.conditions) claim(`condition.${condition.type}`, condition.message);
  for (const result of status.operation?.results ?? []) claims.push(resultClaim(result, base));
  return claims;
}

function resultClaim(result: ResourceResult, base: Omit<Claim, 'attribute' | 'value'>): Claim {
  const value = result.message === '' ? result.status : `${result.status}: ${result.message}`;
  return { ...base, subject: resultName(result), attribute: 'sync.result', value };
}
