import type { Clock } from '../../kernel/index.ts';
import type { Gate } from './auth.ts';
import { answerBlob, type Stores } from './blobs.ts';
import { readBody, sendJson, type Exchange } from './exchange.ts';
import { OciFailure } from './failure.ts';
import { answerCatalog, answerReferrers, answerTags } from './listings.ts';
import { answerManifest } from './manifests.ts';
import type { Route } from './route.ts';
import type { Uploads } from './uploads.ts';

/** What every answer is made from. */
export interface Context {
  readonly stores: Stores;
  readonly uploads: Uploads;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly referrers: boolean;
}

/** Lets in who may, and answers what the route asks for. */
export async function answer(context: Context, route: Route, exchange: Exchange): Promise<void> {
  const { stores, uploads, gate, clock, referrers } = context;
  const { method, query } = exchange;
  const { authorization } = exchange.request.headers;
  const mountFrom = route.operation === 'uploads' ? (query.get('from') ?? undefined) : undefined;
  gate.check(route, method, authorization, mountFrom);
  switch (route.operation) {
    case 'ping':
      sendJson(exchange, {});
      return;
    case 'token':
      await answerToken(gate, exchange, authorization);
      return;
    case 'catalog':
      answerCatalog(stores.catalogue, exchange);
      return;
    case 'uploads':
      await uploads.start(exchange, route.repository);
      return;
    case 'upload':
      await uploads.answer(exchange, route.repository, route.id);
      return;
    case 'blob':
      await answerBlob(stores, exchange, route.repository, route.reference);
      return;
    case 'manifest':
      await answerManifest(stores, exchange, route.repository, route.reference, { clock, referrers });
      return;
    case 'tags':
      answerTags(stores.catalogue, exchange, route.repository);
      return;
    case 'referrers':
      if (!referrers) throw new OciFailure(404, 'UNSUPPORTED', 'Referrers are not served here.');
      answerReferrers(stores.catalogue, exchange, route.repository, route.reference);
      return;
    default:
      route satisfies never;
  }
}

async function answerToken(gate: Gate, exchange: Exchange, authorization: string | undefined): Promise<void> {
  if (exchange.method === 'GET') {
    sendJson(exchange, gate.token(exchange.query, authorization, false));
    return;
  }
  if (exchange.method !== 'POST')
    throw new OciFailure(405, 'UNSUPPORTED', 'Tokens are asked for by GET or POST.');
  const form = await readBody(exchange.request, 64 * 1024, 'The form');
  sendJson(exchange, gate.token(new URLSearchParams(form.toString('utf8')), authorization, true));
}
