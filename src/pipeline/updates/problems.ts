import type { GitMirror } from '../../git/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import type { ImageRule, Updater } from './configuration/index.ts';

export function tagMoved(rule: ImageRule, tag: string, checked: string, now: string): LandfallError {
  return new LandfallError(
    `${rule.repository}:${tag} was ${checked} when it was checked and is ${now} now.`,
    {
      kind: 'conflict',
      code: 'tag-moved',
      object: `${rule.repository}:${tag}`,
      hint: 'Somebody pushed it again in between; the next cycle looks at the new one.',
    },
  );
}

export function busy(mirror: GitMirror, updater: Updater): LandfallError {
  return new LandfallError(
    `${updater.git.revision} of ${mirror.display} moved on every time while a commit was being made.`,
    {
      kind: 'conflict',
      code: 'git-branch-busy',
      object: updater.git.revision,
      hint: 'The next cycle tries again; let others commit less often, or push to a branch of its own.',
    },
  );
}

export function renderFailed(updater: Updater, why: string, hint: string | undefined): LandfallError {
  return new LandfallError(
    `${updater.git.path} for ${updater.application.name} does not render, so that it is not known what Git asks for: ${why}`,
    {
      kind: 'invalid-input',
      code: 'update-render',
      object: updater.git.path,
      hint: hint ?? 'Mend it first.',
    },
  );
}
