import type { ApplicationSpec } from '../application.ts';
import type { Sources } from '../question.ts';
import { artifactOrigin } from './artifact-origin.ts';
import { chartOrigin } from './chart-origin.ts';
import { gitOrigin } from './git-origin.ts';
import type { Origin } from './origin.ts';
import { releaseOrigin } from './release-origin.ts';
import { unreadOrigin } from './unread-origin.ts';

export type { FoundRevision, Origin, Rendering, Registration } from './origin.ts';

/** Reads where an application comes from, as it is now. Throws only for a cancellation. */
export function readOrigin(sources: Sources, spec: ApplicationSpec, signal: AbortSignal): Promise<Origin> {
  const { from } = spec;
  switch (from.kind) {
    case 'git':
      return gitOrigin(sources, spec, signal);
    case 'artifact':
      return artifactOrigin(sources, spec, from.source, signal);
    case 'chart':
      return chartOrigin(sources, spec, signal);
    case 'release':
      return releaseOrigin(sources, spec, signal);
    case 'unread':
      return Promise.resolve(unreadOrigin(spec, from));
    default:
      return from satisfies never;
  }
}
