import { LandfallError } from '../kernel/index.ts';
import type { ResId } from './ids.ts';

/**
 * What an object was called before, oldest first. The original keeps names, namespaces and kinds as three lists
 * with commas between the items, into which nothing that is empty is added: an object that lost its name on the
 * way cannot be told from others any more, and neither can one with a comma in it.
 * Source: resource.setPreviousId and utils.PrevIds.
 */
export class PreviousIds {
  private names: readonly string[] = [];
  private namespaces: readonly string[] = [];
  private kinds: readonly string[] = [];

  get isEmpty(): boolean {
    return this.names.length === 0;
  }

  /** As they stand in the original's annotations. */
  static read(names: string | undefined, namespaces: string, kinds: string): PreviousIds {
    const read = new PreviousIds();
    if (names === undefined) return read;
    read.names = names.split(',');
    read.namespaces = namespaces.split(',');
    read.kinds = kinds.split(',');
    return read;
  }

  add(name: string, namespace: string, kind: string): void {
    this.names = appended(this.names, name);
    this.namespaces = appended(this.namespaces, namespace);
    this.kinds = appended(this.kinds, kind);
  }

  copy(): PreviousIds {
    const copy = new PreviousIds();
    copy.names = this.names;
    copy.namespaces = this.namespaces;
    copy.kinds = this.kinds;
    return copy;
  }

  /** Every name it had, with commas in them or not. */
  get allNames(): readonly string[] {
    return this.names;
  }

  ids(now: ResId): ResId[] {
    const { names, namespaces, kinds } = this;
    if (names.length === 0) return [];
    if (names.length !== namespaces.length || names.length !== kinds.length) {
      throw new LandfallError(
        `number of previous names, number of previous namespaces, number of previous kinds not equal: ${now.kind} ${now.name} had no name, or one with a comma, on its way (${names.join(', ')}).`,
        {
          kind: 'invalid-input',
          code: 'name-lost',
          object: `${now.kind}/${now.name}`,
          hint: 'Look for a patch that sets metadata.name to something that is not a text.',
        },
      );
    }
    const { group, version } = now;
    return names.map((name, index) => ({
      group,
      version,
      clusterScoped: false,
      name,
      namespace: namespaces[index] ?? '',
      kind: kinds[index] ?? '',
    }));
  }
}

/** A list with another value, as lists with commas between their items take it up. */
export function appended(list: readonly string[], value: string): readonly string[] {
  if (value === '') return list;
  return value.includes(',') ? [...list, ...value.split(',')] : [...list, value];
}
