import type { KustomizeSettings } from '../settings/index.ts';
import type { RenderApplicationOptions } from './render-application.ts';

/** Argo CD's `kustomize.buildOptions` as the renderer has them; `command` renders charts, where they are allowed. */
export function kustomizeOptions(
  settings: KustomizeSettings | undefined,
  command: string | undefined,
  signal: AbortSignal,
): NonNullable<RenderApplicationOptions['kustomize']> {
  const { anyFolder, helm, managedByLabel } = settings ?? {};
  return {
    ...(anyFolder === undefined ? {} : { loadRestrictor: 'none' }),
    ...(managedByLabel === undefined ? {} : { managedByLabel }),
    ...(helm === undefined ? {} : { helm: { command: command ?? 'helm', ...helm, signal } }),
  };
}
