import { createHash } from 'node:crypto';
import type { JsonObject } from '../../kernel/index.ts';
import type { Updater } from './configuration/index.ts';
import type { ImageEdit } from './write.ts';

/**
 * Marks a commit of the updater: builds do not start by it, and a look at the history finds it again. One line for
 * each updater that has a part in the commit: `Landfall-Update: KEY ID`.
 */
export const UPDATE_TRAILER = 'Landfall-Update';

/** What one updater changes in a commit. */
export interface UpdatePart {
  readonly updater: Updater;
  readonly images: readonly UpdatedImage[];
  readonly edits: readonly ImageEdit[];
}

export interface UpdatedImage {
  /** As the configuration calls it. */
  readonly name: string;
  readonly alias: string;
  readonly repository: string;
  readonly from: readonly string[];
  readonly tag: string;
  readonly digest: string;
  readonly why: string;
}

/** Renders a Go template. */
export type RenderTemplate = (text: string, data: JsonObject) => string;

/** The same for the same changes, whoever makes them: two updaters at once write one commit. */
export function updateId({ updater, images }: Pick<UpdatePart, 'updater' | 'images'>): string {
  const wanted = images.map(({ repository, tag, digest }) => `${repository}:${tag}@${digest}`).toSorted();
  return createHash('sha256')
    .update(JSON.stringify([updater.key, wanted]))
    .digest('hex')
    .slice(0, 16);
}

function trailerOf(part: UpdatePart): string {
  return `${UPDATE_TRAILER}: ${part.updater.key} ${updateId(part)}`;
}

/** Keys and ids of the updates that a commit holds; empty where it is nobody's update. */
export function updatesIn(body: string): readonly { readonly key: string; readonly id: string }[] {
  return [...body.matchAll(/^Landfall-Update: (\S+) ([0-9a-f]{16})$/gm)].map(([, key = '', id = '']) => ({
    key,
    id,
  }));
}

const SUBJECT = 72;

function short({ tag, digest }: UpdatedImage): string {
  return `${tag} (${digest.slice('sha256:'.length, 'sha256:'.length + 8)})`;
}

/** The whole message: in the words of whoever configured it, and the trailers. */
export function messageOf(parts: readonly UpdatePart[], render: RenderTemplate): string {
  const style = parts[0]?.updater.commit.message;
  const names = parts.map(({ updater }) => updater.application.name).join(', ');
  const images = parts.flatMap((part) => part.images);
  const listed = images.map((image) => `${image.name} to ${short(image)}`).join(', ');
  const head =
    style === undefined
      ? defaultHead(parts, names)
      : style.language === 'go'
        ? render(style.text, fluxData(parts, style.values))
        : style.text.replaceAll('{application}', names).replaceAll('{images}', listed);
  // A template decides on the words, never on what the commit is known by.
  const words = head
    .split('\n')
    .filter((line) => !line.startsWith(`${UPDATE_TRAILER}:`))
    .join('\n')
    .trim();
  return `${words === '' ? defaultHead(parts, names) : words}\n\n${parts.map(trailerOf).join('\n')}\n`;
}

function defaultHead(parts: readonly UpdatePart[], names: string): string {
  const images = parts.flatMap((part) => part.images);
  const [only] = images;
  const long =
    only !== undefined && images.length === 1
      ? `Update ${names} to ${only.tag}`
      : `Update ${images.length} images of ${names}`;
  const subject = long.length > SUBJECT ? `Update ${images.length} images` : long;
  const lines = images.map(
    ({ repository, from, tag, digest, why }) =>
      `${repository}:${tag}@${digest}\n  ${why}${from.length === 0 ? '' : `; before ${from.join(', ')}`}`,
  );
  return `${subject}\n\n${lines.join('\n')}`;
}

/** What Flux gives to a message template. */
function fluxData(parts: readonly UpdatePart[], values: Readonly<Record<string, string>>): JsonObject {
  const [first] = parts;
  const edits = parts.flatMap((part) => part.edits);
  const change = ({ from, to, image }: ImageEdit): JsonObject => ({
    OldValue: from,
    NewValue: to,
    Setter: image,
  });
  const files: Record<string, JsonObject[]> = {};
  for (const edit of edits) (files[edit.file] ??= []).push(change(edit));
  const distinct = new Map(edits.map((edit) => [JSON.stringify(change(edit)), change(edit)]));
  return {
    AutomationObject: {
      Namespace: first?.updater.application.namespace ?? '',
      Name: first?.updater.application.name ?? '',
    },
    Changed: {
      FileChanges: Object.fromEntries(
        Object.entries(files).map(([file, changes]) => [file, { [file]: changes }]),
      ),
      Objects: Object.fromEntries(Object.entries(files)),
      Changes: [...distinct.values()],
    },
    Values: { ...values },
  };
}

/** The branch to push to, where it is a template of Argo CD Image Updater. */
export function branchOf(text: string, part: UpdatePart, render: RenderTemplate): string {
  if (!text.includes('{{')) return text;
  const { updater, images } = part;
  const changed = images.map(({ repository, alias, from, tag, digest }) => ({
    Name: repository.replace(/^[^/]+\//, ''),
    Alias: alias,
    OldTag: from[0] ?? '',
    NewTag: tag,
    digest,
  }));
  const hash = createHash('sha256');
  for (const { Name, OldTag, NewTag } of changed) hash.update(`${Name}-${OldTag}-${NewTag},`);
  const place = JSON.stringify([updater.git.url, updater.git.revision, updater.git.path]);
  return render(text, {
    AppNamespace: updater.application.namespace,
    AppName: updater.application.name,
    TargetKey: createHash('sha256').update(place).digest('hex').slice(0, 8),
    Images: changed,
    SHA256: hash.digest('hex'),
  }).slice(0, 255);
}
