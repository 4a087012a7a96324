import { trackedBy } from '../../boundaries/index.ts';
import type { Plan } from '../../apply/index.ts';
import type { KubeObject } from '../../kube/index.ts';

interface Deliverer {
  readonly kind: 'Application' | 'Kustomization';
  readonly name: string;
}

function delivererOf(live: KubeObject): Deliverer | undefined {
  const application = trackedBy(live);
  if (application !== undefined) return { kind: 'Application', name: application };
  const name = live.metadata.labels?.['kustomize.toolkit.fluxcd.io/name'];
  return name === undefined ? undefined : { kind: 'Kustomization', name };
}

/** What an apply goes past: a controller delivers these objects from Git, and takes the change for drift. */
export function deliveredElsewhere({ items }: Plan, application: string): readonly string[] {
  const counts = new Map<string, { readonly by: Deliverer; objects: number }>();
  for (const { before, planned } of items) {
    const by = before === undefined || planned.action === 'unchanged' ? undefined : delivererOf(before);
    if (by === undefined || by.name === application) continue;
    const key = `${by.kind}/${by.name}`;
    const found = counts.get(key);
    if (found === undefined) counts.set(key, { by, objects: 1 });
    else found.objects += 1;
  }
  return [...counts].map(
    ([key, { by, objects }]) =>
      `${key} delivers ${objects === 1 ? 'one of these objects' : `${objects} of these objects`} from Git, and takes what is applied past it for drift: commit, and ask for a sync with landfall sync ${by.name}`,
  );
}
