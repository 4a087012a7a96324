import { createHash } from 'node:crypto';
import { getObject, type JsonObject } from '../../kernel/index.ts';
import type { Catalogue } from '../kinds/catalogue.ts';
import { OPENAPI_V2_PROTOBUF, openApiV2Protobuf } from '../openapi/document-v2.ts';
import { documentPaths, openApiDocument } from '../openapi/document.ts';
import { writeJson, writeObject, type Exchange } from './exchange.ts';

interface Made {
  readonly generation: number;
  readonly text: string;
  readonly hash: string;
}

/** The OpenAPI documents, each made when it is first asked for. */
export class OpenApiDocuments {
  readonly #catalogue: Catalogue;
  readonly #made = new Map<string, Made>();

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
  }

  /** Answers `/openapi/v3` and below; false for any other path. */
  serve(exchange: Exchange): boolean {
    const { pathname } = exchange;
    if (pathname === '/openapi/v3' || pathname === '/openapi/v3/') {
      const paths: Record<string, { serverRelativeURL: string }> = {};
      for (const path of documentPaths(this.#catalogue)) {
        paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${this.#hashOf(path)}` };
      }
      writeObject(exchange, 200, { paths });
      return true;
    }
    if (pathname === '/openapi/v2') {
      this.#serveV2(exchange);
      return true;
    }
    if (!pathname.startsWith('/openapi/v3/')) return false;
    const made = this.#document(pathname.slice('/openapi/v3/'.length));
    if (made === undefined) return false;
    const etag = `"${made.hash}"`;
    if (exchange.request.headers['if-none-match'] === etag) {
      exchange.response.writeHead(304, { ETag: etag });
      exchange.response.end();
      return true;
    }
    const asked = exchange.query.get('hash');
    writeJson(exchange, 200, made.text, {
      ETag: etag,
      Vary: 'Accept',
      'Cache-Control': asked === made.hash ? 'public, immutable' : 'no-cache, private',
    });
    return true;
  }

  /** Every version in one document, for clients from before OpenAPI 3; in protobuf only what kubectl asks it for. */
  #serveV2(exchange: Exchange): void {
    const accept = exchange.request.headers.accept ?? '*/*';
    if (accept.includes('proto-openapi.spec.v2')) {
      writeJson(exchange, 200, openApiV2Protobuf(this.#catalogue), { 'Content-Type': OPENAPI_V2_PROTOBUF });
      return;
    }
    const definitions: JsonObject = {};
    const paths: JsonObject = {};
    for (const path of documentPaths(this.#catalogue)) {
      const document = openApiDocument(this.#catalogue, path);
      Object.assign(definitions, getObject(document, 'components', 'schemas'));
      Object.assign(paths, getObject(document, 'paths'));
    }
    const text = JSON.stringify({
      swagger: '2.0',
      info: { title: 'Kubernetes', version: 'v1.32' },
      paths,
      definitions,
    }).replaceAll('#/components/schemas/', '#/definitions/');
    writeJson(exchange, 200, text);
  }

  /** Names what the document will hold, without making it. */
  #hashOf(path: string): string {
    const names = [...this.#catalogue.all()]
      .filter((kind) => path.endsWith(`/${kind.version}`) && path.includes(kind.group))
      .map((kind) => `${kind.resource} ${kind.kind} ${kind.custom?.identity ?? ''}`);
    return createHash('sha512').update(`1.32 ${path} ${names.join()}`).digest('hex').toUpperCase();
  }

  #document(path: string): Made | undefined {
    const { generation } = this.#catalogue;
    const known = this.#made.get(path);
    if (known?.generation === generation) return known;
    const document = openApiDocument(this.#catalogue, path);
    if (document === undefined) return undefined;
    const made = { generation, text: JSON.stringify(document), hash: this.#hashOf(path) };
    this.#made.set(path, made);
    return made;
  }
}
