import type { ChannelDeclaration } from '../../notify/index.ts';
import type { Declared } from '../../verdict/index.ts';
import { parseLandfallYaml } from './read.ts';
import type { LandfallYaml } from './schema.ts';

/** What the file says of one application; nothing where there is no file or it does not name it. */
export function declarationsOf(text: string | undefined, application: string): Declared {
  if (text === undefined) return { environment: undefined, source: undefined, images: [], observe: [] };
  const file = parseLandfallYaml(text);
  const { applications = {} } = file;
  const declared = Object.hasOwn(applications, application) ? applications[application] : undefined;
  const image = declared?.source?.image;
  return {
    environment: file.environments?.find((each) => each.applications?.includes(application))?.name,
    source: declared?.source?.repository,
    images: image === undefined ? [] : [image],
    observe: declared?.observe ?? [],
    ...(file.health === undefined ? {} : { health: file.health }),
  };
}

/** Who is told of the deliveries of an environment; nobody where there is no file or it does not name it. */
export function channelsOf(
  file: LandfallYaml | undefined,
  environmentName: string | undefined,
): readonly ChannelDeclaration[] {
  return file?.environments?.find((each) => each.name === environmentName)?.notify ?? [];
}

/** The environments whose deliveries nobody is told of. A failure there would be silent. */
export function undeclaredChannels(file: LandfallYaml): readonly string[] {
  return (file.environments ?? [])
    .filter((each) => (each.notify ?? []).length === 0)
    .map((each) => each.name);
}
