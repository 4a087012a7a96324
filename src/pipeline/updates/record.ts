import type { JsonObject } from '../../kernel/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import type { Updater } from './configuration/index.ts';
import type { ImageDecision } from './decision.ts';
import type { UpdateReport } from './report.ts';

/** Keeps in the ledger that a commit of the updater led to a revision, for every application that it changes. */
export async function recordUpdate(
  ledger: Pick<Ledger, 'decisions'>,
  cluster: string,
  report: UpdateReport,
): Promise<void> {
  const { updater, commit, branch, why, images } = report;
  if (commit === undefined) return;
  for (const { namespace, name } of updater.covers ?? [updater.application]) {
    await ledger.decisions.record({
      cluster,
      namespace,
      application: name,
      kind: 'update',
      actor: { name: updater.commit.author.name, attestedBy: 'nobody' },
      reason: why,
      detail: { commit, branch: branch ?? '', images: images.flatMap(changeOf) },
    });
  }
}

function changeOf({ rule, state, chosen }: ImageDecision): readonly JsonObject[] {
  if (state !== 'update' || chosen?.digest === undefined) return [];
  return [{ image: rule.repository, tag: chosen.tag, digest: chosen.digest }];
}

/** What people call an updater's configuration. */
export function originOf({ origin }: Updater): string {
  return origin === 'annotations' ? 'annotations of Argo CD Image Updater' : origin;
}
