import { fullRepository } from '../../boundaries/index.ts';
import type { ImageDecision } from './decision.ts';
import type { UpdatePart } from './message.ts';
import type { Published } from './publish.ts';
import type { UpdateReport } from './report.ts';
import type { ImageChange } from './write.ts';

/** How a publication ended, for the report. */
export function outcomeOf({
  commit,
  branch,
  direct,
  pullRequest,
}: Published): Pick<UpdateReport, 'outcome' | 'why'> & Partial<UpdateReport> {
  if (direct) return { outcome: 'committed', why: `committed to ${branch}`, commit, branch };
  if (pullRequest === undefined) return { outcome: 'proposed', why: `pushed to ${branch}`, commit, branch };
  const { number, url, state } = pullRequest;
  if (state === 'closed') {
    return {
      outcome: 'held',
      why: `somebody closed the pull request that proposed it, ${url}`,
      hint: 'A newer image is proposed again; open it again to have this one.',
      branch,
    };
  }
  return {
    outcome: 'proposed',
    why: `proposed in ${url}`,
    commit,
    branch,
    pullRequest: { number, url },
  };
}

/** What a cycle says that has nothing to write. */
export function settled(images: readonly ImageDecision[]): Pick<UpdateReport, 'outcome' | 'why'> {
  const unread = images.find(({ state }) => state === 'unknown');
  if (unread !== undefined) return { outcome: 'failed', why: `nothing was committed: ${unread.why}` };
  return { outcome: 'current', why: 'Git asks for what the policies choose, as far as they may' };
}

/** What is written for an image. */
export function changeOf({ rule, chosen }: ImageDecision): ImageChange {
  const renamed = rule.target.kind !== 'setters' && fullRepository(rule.image) !== rule.repository;
  return {
    image: rule.image,
    ...(renamed ? { newName: rule.repository } : {}),
    tag: chosen?.tag,
    digest: chosen?.digest ?? '',
    ...(rule.parameters === undefined ? {} : { parameters: rule.parameters }),
  };
}

/** What the commit says of an image. */
export function updatedImage({ rule, chosen, current }: ImageDecision): UpdatePart['images'] {
  if (chosen?.digest === undefined) return [];
  return [
    {
      name: rule.image,
      alias: rule.name,
      repository: rule.repository,
      from: [...new Set(current.map(({ tag, reference }) => tag ?? reference))],
      tag: chosen.tag,
      digest: chosen.digest,
      why: chosen.why,
    },
  ];
}
