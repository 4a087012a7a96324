import { attempt, valueOf } from '../boundaries/index.ts';
import { getArray, getString } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import { splitApiVersion } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';

const CONFIGURATION = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
} as const;

function takes(rule: JsonValue, group: string, resource: string): boolean {
  const [groups, resources] = [getArray(rule, 'apiGroups'), getArray(rule, 'resources')];
  return (
    (groups.includes('*') || groups.includes(group)) &&
    (resources.includes('*') || resources.includes('*/*') || resources.includes(resource))
  );
}

/**
 * The mutating webhooks that are called for objects of that kind, as `NAME (MutatingWebhookConfiguration/NAME)`; their
 * selectors are not looked at. Empty where they may not be read: a webhook leaves no name on what it changes.
 */
export async function webhooksFor(
  kube: KubeClient,
  object: KubeObject,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = await attempt(async () => {
    const [{ resource }, { items }] = await Promise.all([
      kube.resource(object, signal),
      kube.list(CONFIGURATION, {}, signal),
    ]);
    const { group } = splitApiVersion(object.apiVersion);
    return items.flatMap((configuration) =>
      getArray(configuration, 'webhooks')
        .filter((webhook) => getArray(webhook, 'rules').some((rule) => takes(rule, group, resource)))
        .map(
          (webhook) =>
            `${getString(webhook, 'name') ?? ''} (${CONFIGURATION.kind}/${configuration.metadata.name})`,
        ),
    );
  }, signal);
  return valueOf(found) ?? [];
}
