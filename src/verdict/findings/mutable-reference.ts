import { shortReference } from '../../boundaries/index.ts';
import type { Case, Finding } from './finding.ts';
import { pinCommands } from './look-up.ts';

/**
 * Git names an image that we build without a digest. Nothing is wrong today; the proof ends with the next push. A
 * habit, marked as a risk, never a reason to call a healthy system broken.
 */
export function mutableReferenceRule(facts: Case): Finding | undefined {
  const intent = facts.reports.find((report) => report.boundary === 'intent');
  if (intent?.state !== 'proven') return undefined;
  const image = facts.images.find((candidate) => candidate.ours && candidate.pinned === undefined);
  if (image === undefined) return undefined;
  const digest = image.answer.state === 'read' ? image.answer.value.digest : undefined;
  const where = image.origin === undefined ? facts.subject.path : `${image.origin.file}:${image.origin.line}`;
  return {
    id: 'mutable-reference',
    boundary: 'intent',
    kind: 'risk',
    title: `This proof ends with the next push to ${shortReference(image.reference)}`,
    confidence: 1,
    explanation: [
      `Git names ${image.reference} without a digest (${where}). Whoever pushes to that tag changes what it means without a commit, and no controller will notice.`,
    ],
    claims: intent.claims.filter((claim) => claim.value === image.reference),
    misleading: [],
    immediateFix: {
      text: 'Nothing has to be done now. To keep the proof, pin what runs.',
      commands:
        digest === undefined
          ? []
          : pinCommands(
              facts.subject,
              image.repository,
              `${image.repository}${image.tag === undefined ? '' : `:${image.tag}`}@${digest}`,
            ),
    },
    durableFix: { text: 'Let CI commit an immutable tag and its digest for every build.', commands: [] },
    verify: [`landfall trace ${facts.subject.name} image`],
  };
}
