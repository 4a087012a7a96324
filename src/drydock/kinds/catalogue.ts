import type { ResourceName } from '../api/contract.ts';
import { ApiStatusError } from '../api/contract.ts';
import { builtinKinds } from './builtin.ts';
import { apiVersionOf, type ResourceKind } from './kind.ts';

/** Every kind that is served now. CustomResourceDefinitions come and go. */
export class Catalogue {
  readonly #byUrl = new Map<string, ResourceKind>();
  #generation = 1;

  constructor() {
    for (const kind of builtinKinds()) this.#byUrl.set(urlKey(kind), kind);
  }

  /** Rises with every change; discovery documents are remade when it does. */
  get generation(): number {
    return this.#generation;
  }

  all(): IterableIterator<ResourceKind> {
    return this.#byUrl.values();
  }

  find(group: string, version: string, resource: string): ResourceKind | undefined {
    return this.#byUrl.get(`${group}/${version}/${resource}`);
  }

  /** Throws 404 with the text that Kubernetes has for a path it does not serve. */
  require(name: ResourceName): ResourceKind {
    const kind = this.find(name.group, name.version, name.resource);
    if (kind === undefined) {
      throw new ApiStatusError(404, 'NotFound', 'the server could not find the requested resource');
    }
    return kind;
  }

  findKind(apiVersion: string, kind: string): ResourceKind | undefined {
    for (const known of this.#byUrl.values()) {
      if (known.kind === kind && apiVersionOf(known) === apiVersion) return known;
    }
    return undefined;
  }

  /** Any served version of a resource. */
  findResource(group: string, resource: string): ResourceKind | undefined {
    for (const known of this.#byUrl.values()) {
      if (known.group === group && known.resource === resource) return known;
    }
    return undefined;
  }

  /** One kind per table, for whoever walks over everything that is stored. */
  storedKinds(): readonly ResourceKind[] {
    const tables = new Map<string, ResourceKind>();
    for (const kind of this.#byUrl.values()) {
      if (!kind.verbs.includes('list')) continue;
      const known = tables.get(kind.table);
      if (known === undefined || (known.convert !== undefined && kind.convert === undefined)) {
        tables.set(kind.table, kind);
      }
    }
    return [...tables.values()];
  }

  add(kind: ResourceKind): void {
    this.#byUrl.set(urlKey(kind), kind);
    this.#generation++;
  }

  remove(kind: ResourceKind): void {
    this.#byUrl.delete(urlKey(kind));
    this.#generation++;
  }
}

function urlKey(kind: ResourceKind): string {
  return `${kind.group}/${kind.version}/${kind.resource}`;
}
