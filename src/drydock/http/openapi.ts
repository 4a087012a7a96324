import { createHash } from 'node:crypto';
import type { Catalogue } from '../kinds/catalogue.ts';
import { OPENAPI_V2_PROTOBUF, openApiV2, openApiV2Protobuf } from '../openapi/document-v2.ts';
import { documentPaths, openApiDocument } from '../openapi/document.ts';
import { loadTexts } from '../openapi/texts/index.ts';
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
  #madeV2: { readonly generation: number; readonly json: Buffer; readonly protobuf: Buffer } | undefined;

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
  }

  /** Answers `/openapi/v3` and below; false for any other path. */
  async serve(exchange: Exchange): Promise<boolean> {
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
      await this.#serveV2(exchange);
      return true;
    }
    if (!pathname.startsWith('/openapi/v3/')) return false;
    const made = await this.#document(pathname.slice('/openapi/v3/'.length));
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

  /** Every version in one document, for clients from before OpenAPI 3 and for what asks for the older form. */
  async #serveV2(exchange: Exchange): Promise<void> {
    const { generation } = this.#catalogue;
    if (this.#madeV2?.generation !== generation) {
      const document = openApiV2(this.#catalogue, await loadTexts());
      const json = Buffer.from(JSON.stringify(document));
      this.#madeV2 = { generation, json, protobuf: openApiV2Protobuf(this.#catalogue, document) };
    }
    const accept = exchange.request.headers.accept ?? '*/*';
    if (!accept.includes('proto-openapi.spec.v2')) {
      writeJson(exchange, 200, this.#madeV2.json);
      return;
    }
    const { protobuf } = this.#madeV2;
    exchange.response.writeHead(200, {
      'Cache-Control': 'no-cache, private',
      'Content-Type': OPENAPI_V2_PROTOBUF,
      'Content-Length': protobuf.length,
    });
    exchange.response.end(exchange.request.method === 'HEAD' ? undefined : protobuf);
  }

  /** Names what the document will hold, without making it. */
  #hashOf(path: string): string {
    const names = [...this.#catalogue.all()]
      .filter((kind) => path.endsWith(`/${kind.version}`) && path.includes(kind.group))
      .map((kind) => `${kind.resource} ${kind.kind} ${kind.custom?.identity ?? ''}`);
    return createHash('sha512').update(`1.32 documented ${path} ${names.join()}`).digest('hex').toUpperCase();
  }

  async #document(path: string): Promise<Made | undefined> {
    const { generation } = this.#catalogue;
    const known = this.#made.get(path);
    if (known?.generation === generation) return known;
    const document = openApiDocument(this.#catalogue, await loadTexts(), path);
    if (document === undefined) return undefined;
    const made = { generation, text: JSON.stringify(document), hash: this.#hashOf(path) };
    this.#made.set(path, made);
    return made;
  }
}
