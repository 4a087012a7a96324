import type { Build } from '../ledger/index.ts';
import type { ChannelDeclaration } from '../notify/index.ts';
import { withoutTag } from '../boundaries/index.ts';
import type { Declaration } from './declarations.ts';
import { repositoryKey } from './webhook.ts';

type File = NonNullable<Declaration['file']>;

function everybody(file: File): readonly ChannelDeclaration[] {
  return (file.environments ?? []).flatMap(({ notify = [] }) => notify);
}

/** Whether a file says that it delivers an image, or builds it. */
function knowsImage(file: File, image: string): boolean {
  const name = withoutTag(image);
  return (
    Object.values(file.applications ?? {}).some(({ source }) => source?.image === name) ||
    Object.values(file.builds ?? {}).some((each) => each.image === name)
  );
}

/**
 * Who is told of a build: whom its trigger names, else everybody who is told of any environment of that file, staging
 * as well as production. What others report is told where the image is known. Each channel once.
 */
export function buildChannels(
  build: Build,
  declarations: readonly Declaration[],
): readonly ChannelDeclaration[] {
  const channels = declarations.flatMap(({ file, url }) => {
    if (file === undefined) return [];
    if (build.origin === 'report') return knowsImage(file, build.image) ? everybody(file) : [];
    if (repositoryKey(url) !== repositoryKey(build.declaredIn)) return [];
    const own = Object.hasOwn(file.builds ?? {}, build.trigger)
      ? file.builds?.[build.trigger]?.notify
      : undefined;
    return own ?? everybody(file);
  });
  const unique = new Map(channels.map((each) => [JSON.stringify(each), each]));
  return [...unique.values()];
}
