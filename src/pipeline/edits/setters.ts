import { LandfallError, isJsonObject, parseJson } from '../../kernel/index.ts';
import type { ImageChange } from './contract.ts';
import { draftOf, withEdits, type Draft } from './draft.ts';
import { joinReference, splitReference, type ReferenceText } from './reference-text.ts';
import { sameName } from './rendered-images.ts';
import { replaceScalar, scalarPlaces, type ScalarPlace } from './scalars.ts';
import { folderPath, joinPath, refuseEdit, type Candidate, type Writing } from './writing.ts';

type Part = 'image' | 'name' | 'tag' | 'digest';

/** A value with a comment that says which policy sets it. */
export interface Marker {
  /** `namespace:name` */
  readonly policy: string;
  readonly part: Part;
  readonly place: ScalarPlace;
}

const KEY = '$imagepolicy';
const LIMIT = { files: 5000, depth: 40, found: 20_000 } as const;

/** Every value of a text that a policy sets. Source: kyaml's fieldmeta, with Flux' short hand. */
export function markersIn(text: string, file: string): readonly Marker[] {
  const lines = text.split('\n');
  return scalarPlaces(text, file).flatMap((place): readonly Marker[] => {
    const marker =
      markerOf(commentBehind(text, place)) ??
      (place.key === undefined ? markerOf(lineAbove(lines, place)) : undefined);
    return marker === undefined ? [] : [{ ...marker, place }];
  });
}

function commentBehind(text: string, { span }: ScalarPlace): string {
  if (span === undefined) return '';
  const rest = text.slice(
    span.end,
    text.indexOf('\n', span.end) < 0 ? undefined : text.indexOf('\n', span.end),
  );
  return /^[ \t]+#(?<comment>.*)$/.exec(rest.replace(/\r$/, ''))?.groups?.['comment'] ?? '';
}

/** Of an item of a list, the comment may stand on the line before it. */
function lineAbove(lines: readonly string[], { line }: ScalarPlace): string {
  return /^[ \t]*#(?<comment>.*?)\r?$/.exec(lines[line - 2] ?? '')?.groups?.['comment'] ?? '';
}

function markerOf(comment: string): { readonly policy: string; readonly part: Part } | undefined {
  const text = comment.trim();
  if (!text.startsWith('{') || !text.includes(KEY)) return undefined;
  let setter: string;
  try {
    const value = parseJson(text, 'a marker');
    const named = isJsonObject(value) ? value[KEY] : undefined;
    if (typeof named !== 'string') return undefined;
    setter = named;
  } catch (thrown) {
    if (thrown instanceof LandfallError) return undefined;
    throw thrown;
  }
  const [namespace, name, part = 'image', more] = setter.split(':');
  if (!namespace || !name || more !== undefined) return undefined;
  const known = (['name', 'tag', 'digest'] as const).find((each) => each === part);
  if (known === undefined && setter.split(':').length !== 2) return undefined;
  return { policy: `${namespace}:${name}`, part: known ?? 'image' };
}

/** What marked values are set to: a whole reference, or its parts. */
export interface MarkedReference extends ReferenceText {
  /** What stands where only a tag is marked: the tag, or tag and digest. */
  readonly tagPart: string;
}

/** The draft of a file in which every value that the policy sets has its part of the reference. */
export function setMarked(
  start: Draft,
  file: string,
  policy: string,
  reference: MarkedReference,
  image: string,
): Draft {
  let draft = start;
  // One after the other: their places are read again, since values may be longer than before.
  const count = markersIn(start.text, file).filter((marker) => marker.policy === policy).length;
  for (let index = 0; index < count; index += 1) {
    const marker = markersIn(draft.text, file).filter((each) => each.policy === policy)[index];
    if (marker === undefined) break;
    const { place, part } = marker;
    const to = valueFor(place.value, part, reference);
    if (to === undefined || to === place.value) continue;
    const edit = replaceScalar(place, to);
    if (edit !== undefined) draft = withEdits(draft, [edit], { image, from: place.value, to });
  }
  return draft;
}

function valueFor(now: string, part: Part, reference: MarkedReference): string | undefined {
  const { name, tag, digest } = reference;
  if (part === 'name') return sameName(now, name) ? undefined : name;
  if (part === 'tag') return reference.tagPart;
  if (part === 'digest') return digest;
  const old = splitReference(now).name;
  return joinReference({ name: old !== '' && sameName(old, name) ? old : name, tag, digest });
}

/** Files with markers below a folder, or the one file that is named: the same files that Flux reads. */
export async function markedFiles(
  writing: Pick<Writing, 'request' | 'read'>,
  folder: string,
): Promise<readonly string[]> {
  const { tree, signal } = writing.request;
  const start = folderPath(folder);
  const found: string[] = [];
  let seen = 0;
  const visit = async (path: string, depth: number): Promise<void> => {
    if (signal.aborted)
      throw new LandfallError('Looking for markers was cancelled.', { kind: 'cancelled', code: 'cancelled' });
    seen += 1;
    if (seen > LIMIT.found || depth > LIMIT.depth || found.length > LIMIT.files) {
      throw refuseEdit(
        `${start || '.'} holds more files than are looked through for markers.`,
        start,
        'Name a folder further down.',
      );
    }
    const kind = await tree.kind(path);
    if (kind === 'directory') {
      for (const name of (await tree.list(path)) ?? []) {
        const below = joinPath(path, name);
        // Links to folders are not followed, or files would be found twice.
        if (name !== '.git' && (await tree.resolve(below)) === below) await visit(below, depth + 1);
      }
      return;
    }
    if (kind !== 'file' || !/(?:\.ya?ml|(?:^|\/)Kustomization)$/.test(path)) return;
    const bytes = await tree.readFile(path);
    if (bytes !== undefined && Buffer.from(bytes).includes(`"${KEY}"`)) found.push(path);
  };
  await visit(start, 0);
  return found.toSorted();
}

/** The change in every value that the policy sets. */
export async function bySetters(
  writing: Writing,
  folder: string,
  policy: string,
): Promise<readonly Candidate[]> {
  const [change, another] = writing.request.changes;
  if (change === undefined || another !== undefined) {
    throw refuseEdit(
      `The policy ${policy} sets one image, and ${writing.request.changes.length} were to be written.`,
      policy,
      'Edit one policy after the other.',
    );
  }
  const texts = new Map<string, string>();
  const unread: string[] = [];
  const markers: (Marker & { readonly file: string })[] = [];
  for (const file of await markedFiles(writing, folder)) {
    const text = (await writing.read(file)) ?? '';
    try {
      const own = markersIn(draftOf(text).text, file).filter((marker) => marker.policy === policy);
      if (own.length > 0) texts.set(file, text);
      markers.push(...own.map((marker) => ({ ...marker, file })));
    } catch (thrown) {
      // Templates of charts and other files that are no YAML: Flux leaves them alone, too.
      if (!(thrown instanceof LandfallError)) throw thrown;
      unread.push(`${file} has markers and is no YAML, so that none of them was looked at.`);
    }
  }
  if (markers.length === 0) {
    throw refuseEdit(
      `Nothing below '${folder || '.'}' has a marker of the policy ${policy}.`,
      policy,
      `Write # {"${KEY}": "${policy}"} behind the value that it sets.`,
    );
  }
  // A digest has its own marker, or stands in a whole reference; else it is tried behind the tag.
  const lacking = new Set(
    [...texts.keys()].filter((file) => {
      const parts = markers.filter(({ file: own }) => own === file).map(({ part }) => part);
      return parts.includes('tag') && !parts.includes('digest');
    }),
  );
  const candidate = (pinned: boolean, behindTag: boolean): Candidate => ({
    drafts: draftsOf(texts, policy, change, behindTag ? lacking : new Set()),
    pinned,
    behindTag,
    through: 'lines',
    everywhere: false,
    warnings: [
      ...unread,
      ...(pinned
        ? []
        : [
            `The policy ${policy} has no marker for the digest, and it cannot stand behind the tag: only the tag is written, so that the registry decides which bytes it is.`,
          ]),
    ],
  });
  return lacking.size === 0 ? [candidate(true, false)] : [candidate(true, true), candidate(false, false)];
}

function draftsOf(
  texts: ReadonlyMap<string, string>,
  policy: string,
  change: ImageChange,
  behindTag: ReadonlySet<string>,
): ReadonlyMap<string, Draft> {
  const drafts = new Map<string, Draft>();
  for (const [file, text] of texts) {
    const draft = draftOf(text);
    const tag = change.tag ?? markedTag(draft, file, policy);
    const part = behindTag.has(file) ? `${tag}@${change.digest}` : tag;
    const reference = { name: change.newName ?? change.image, tag, digest: change.digest };
    drafts.set(file, setMarked(draft, file, policy, { ...reference, tagPart: part }, change.image));
  }
  return drafts;
}

/** The tag that the marked values of a file have now. */
function markedTag(draft: Draft, file: string, policy: string): string {
  const values = markersIn(draft.text, file).filter((marker) => marker.policy === policy);
  const tag = values.find(({ part }) => part === 'tag')?.place.value;
  const image = values.find(({ part }) => part === 'image')?.place.value;
  return tag?.replace(/@.*$/, '') ?? (image === undefined ? '' : splitReference(image).tag);
}
