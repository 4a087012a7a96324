import type { Clock, Timer } from '../../kernel/index.ts';
import { quantity } from '../controllers/index.ts';
import { groupMemory } from '../runtime/index.ts';
import type { ContainerUnit } from './container.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * Kills containers whose processes hold more memory than the container's limit, as the kernel does for a cgroup. No
 * cgroup is made here, so that it is measured once a second: what grows faster than that is seen late.
 */
export function watchMemory(
  clock: Clock,
  containers: () => readonly ContainerUnit[],
): { close(): void } {
  let timer: Timer | undefined;

  function look(): void {
    timer = clock.after(LOOK_EVERY_MS, look);
    const limited = containers().flatMap((container) => {
      const limit = quantity(container.spec.resources?.limits?.['memory']);
      const groups = limit > 0 ? container.groups() : [];
      return groups.length > 0 ? [{ container, limit, groups }] : [];
    });
    if (limited.length === 0) return;
    const held = groupMemory(new Set(limited.flatMap(({ groups }) => groups)));
    for (const { container, limit, groups } of limited) {
      const bytes = groups.reduce((sum, group) => sum + (held.get(group) ?? 0), 0);
      if (bytes > limit) container.kill('OOMKilled');
    }
  }

  timer = clock.after(LOOK_EVERY_MS, look);
  return { close: () => timer?.cancel() };
}
