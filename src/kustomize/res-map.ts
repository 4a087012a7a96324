import { LandfallError } from '../kernel/index.ts';
import type { RenderContext } from './context.ts';
import { idEquals, idLabel, idText } from './ids.ts';
import type { ResId } from './ids.ts';
import { place } from './nodes.ts';
import type { Resource } from './resource.ts';

/** The objects of a kustomization, in their order. Source: api/resmap/reswrangler.go. */
export class ResMap {
  private items: Resource[] = [];
  private readonly context: RenderContext;
  private keys: { readonly version: number; readonly byKey: Map<string, Resource> } | undefined;
  private names: { readonly version: number; readonly byName: Map<string, Resource[]> } | undefined;

  constructor(context: RenderContext) {
    this.context = context;
  }

  get list(): readonly Resource[] {
    return this.items;
  }

  replaceAll(items: readonly Resource[]): void {
    this.items = [...items];
    this.keys = undefined;
    this.names = undefined;
  }

  dropGone(): void {
    if (this.items.some((item) => item.gone)) this.replaceAll(this.items.filter((item) => !item.gone));
  }

  append(resource: Resource): void {
    const keys = this.currentKeys();
    const key = resource.idKey;
    const there = keys.get(key);
    if (there !== undefined) {
      throw new LandfallError(
        `may not add resource with an already registered id: ${idText(resource.id)}: it is given${place(resource.node)} and${place(there.node) || ' before'}.`,
        {
          kind: 'invalid-input',
          code: 'duplicate-object',
          object: idLabel(resource.id),
          hint: 'Give one of the two another name or namespace, or leave one out.',
        },
      );
    }
    keys.set(key, resource);
    this.items.push(resource);
    this.addNames(resource);
  }

  appendAll(resources: Iterable<Resource>): void {
    for (const resource of resources) this.append(resource);
  }

  /** Objects that have `id` now. */
  byCurrentId(id: ResId): Resource[] {
    return this.named(id.name).filter((item) => idEquals(item.id, id));
  }

  /** Objects that have `id` now or had it before. */
  byAnyId(id: ResId): Resource[] {
    return this.matchingAnyId(id.name, (own) => idEquals(own, id));
  }

  /** Objects of which some id, all of that name, fulfils `matches`. */
  matchingAnyId(name: string, matches: (id: ResId) => boolean): Resource[] {
    return this.named(name).filter((item) => item.allIds.some(matches));
  }

  /** Objects that are or were called `name`, in their order. */
  named(name: string): readonly Resource[] {
    if (this.names?.version !== this.context.idVersion) {
      const byName = new Map<string, Resource[]>();
      this.names = { version: this.context.idVersion, byName };
      for (const item of this.items) this.addNames(item);
    }
    return this.names.byName.get(name) ?? [];
  }

  /** The one object a patch is for. */
  demand(id: ResId): Resource {
    const found = this.byAnyId(id);
    const [only] = found;
    if (found.length === 1 && only !== undefined) return only;
    const problem = found.length > 1 ? 'multiple matches' : 'no matches';
    throw new LandfallError(
      `${problem} for Id ${idText(id)}; failed to find unique target for patch ${idText(id)}`,
      {
        kind: 'invalid-input',
        code: found.length > 1 ? 'patch-ambiguous' : 'patch-no-match',
        object: idLabel(id),
        hint: this.nearest(id),
      },
    );
  }

  private nearest(id: ResId): string {
    const same = this.items.filter((item) => item.kind === id.kind || item.name === id.name).slice(0, 5);
    if (same.length === 0) return `There is no ${id.kind} among the resources.`;
    return `There are: ${same.map((item) => idLabel(item.id)).join(', ')}.`;
  }

  private addNames(item: Resource): void {
    const { names } = this;
    if (names === undefined || names.version !== this.context.idVersion) return;
    const own = new Set([item.name, ...item.previous.allNames]);
    for (const name of own) {
      const list = names.byName.get(name);
      if (list === undefined) names.byName.set(name, [item]);
      else list.push(item);
    }
  }

  private currentKeys(): Map<string, Resource> {
    if (this.keys?.version === this.context.idVersion) return this.keys.byKey;
    const byKey = new Map<string, Resource>();
    for (const item of this.items) byKey.set(item.idKey, item);
    this.keys = { version: this.context.idVersion, byKey };
    return byKey;
  }
}
