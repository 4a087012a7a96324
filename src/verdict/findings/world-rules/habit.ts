import { getString } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import type { Draft } from './rule.ts';
import type { Thing } from './thing.ts';
import type { View } from './view.ts';

export const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob'] as const;

interface Part {
  readonly thing: Thing;
  readonly container: JsonObject;
  readonly name: string;
  readonly main: boolean;
  readonly path: readonly (string | number)[];
}

export function templatePath(thing: Thing): readonly string[] {
  return thing.kind === 'CronJob' ? ['spec', 'jobTemplate', 'spec', 'template'] : ['spec', 'template'];
}

export function parts(view: View): readonly Part[] {
  return view.desired.flatMap((thing) =>
    WORKLOADS.some((kind) => kind === thing.kind)
      ? (['initContainers', 'containers'] as const).flatMap((field) =>
          thing.list(...templatePath(thing), 'spec', field).map((container, index) => ({
            thing,
            container,
            name: getString(container, 'name') ?? '',
            main: field === 'containers',
            path: [...templatePath(thing), 'spec', field, index],
          })),
        )
      : [],
  );
}

export function habit(
  view: View,
  { thing, path }: { readonly thing: Thing; readonly path: readonly (string | number)[] },
  draft: Pick<Draft, 'id' | 'boundary' | 'title'> & {
    readonly failure: string;
    readonly kind?: Draft['kind'];
    readonly confidence?: number;
    readonly why: string;
    readonly fix: string;
    readonly value: string;
    readonly attribute: string;
  },
): Draft {
  return {
    failure: draft.failure,
    id: draft.id,
    boundary: draft.boundary,
    kind: draft.kind ?? 'risk',
    title: draft.title,
    confidence: draft.confidence ?? 0.9,
    why: [draft.why],
    claims: [view.about(draft.boundary, thing, draft.attribute, draft.value, ...path)],
    now: [draft.fix],
    lasting: ['Keep landfall check in the pipeline: it finds this before a deploy.'],
    verify: ['landfall check DIR'],
    can: 'commit',
    space: thing.namespace,
  };
}
