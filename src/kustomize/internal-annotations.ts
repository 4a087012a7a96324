import { PreviousIds } from './previous-ids.ts';
import type { Resource } from './resource.ts';

const start = 'internal.config.kubernetes.io/';

/** What the original takes off every object at the end, whoever wrote it. Source: resource.BuildAnnotations. */
export const internalAnnotations = [
  'internal.config.kubernetes.io/previousKinds',
  'internal.config.kubernetes.io/previousNames',
  'internal.config.kubernetes.io/prefixes',
  'internal.config.kubernetes.io/suffixes',
  'internal.config.kubernetes.io/previousNamespaces',
  'internal.config.kubernetes.io/allowNameChange',
  'internal.config.kubernetes.io/allowKindChange',
  'internal.config.kubernetes.io/refBy',
  'internal.config.kubernetes.io/generatorBehavior',
  'internal.config.kubernetes.io/needsHashSuffix',
  'internal.config.kubernetes.io/path',
  'internal.config.kubernetes.io/index',
  'internal.config.kubernetes.io/seqindent',
  'internal.config.kubernetes.io/id',
  'internal.config.kubernetes.io/annotations-migration-resource-id',
  'config.kubernetes.io/path',
  'config.kubernetes.io/index',
  'config.k8s.io/id',
] as const;

/** Takes up what an input file says in the annotations that the original keeps its own notes in. */
export function readInternalAnnotations(resource: Resource): void {
  const annotations = resource.node.get('metadata')?.get('annotations');
  if (annotations?.kind !== 'map') return;
  if (!annotations.content.some((key, index) => index % 2 === 0 && key.value.startsWith(start))) return;
  const texts = resource.textMap('annotations');
  const text = (name: string) => texts.get(start + name);
  resource.previous = PreviousIds.read(
    text('previousNames'),
    text('previousNamespaces') ?? '',
    text('previousKinds') ?? '',
  );
  resource.prefixes = text('prefixes')?.split(',') ?? [];
  resource.suffixes = text('suffixes')?.split(',') ?? [];
  resource.needsHash = texts.get(`${start}needsHashSuffix`) === 'enabled';
}
