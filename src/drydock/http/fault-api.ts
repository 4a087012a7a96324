import { LandfallError, type JsonObject } from '../../kernel/index.ts';
import { ApiStatusError } from '../api/contract.ts';
import type { Faults, RunningFault } from '../faults/index.ts';
import { badRequest, methodNotAllowed } from '../machinery/status-errors.ts';
import { parseBody, readBody } from './body.ts';
import { writeObject, type Exchange } from './exchange.ts';

const PATH = '/drydock/faults';

export function isFaultPath(pathname: string): boolean {
  return pathname === PATH || pathname.startsWith(`${PATH}/`);
}

/**
 * What goes wrong on purpose, for a cluster in another process: GET lists, POST starts one, DELETE heals one by its id
 * or all. Throws ApiStatusError.
 */
export async function serveFaults(exchange: Exchange, faults: Faults): Promise<void> {
  const { request, pathname } = exchange;
  const id = decodeURIComponent(pathname.slice(PATH.length + 1));
  try {
    if (request.method === 'GET' && id === '') {
      writeObject(exchange, 200, { kind: 'FaultList', items: faults.list().map(shown) });
      return;
    }
    if (request.method === 'POST' && id === '') {
      const body = parseBody(await readBody(request), request.headers['content-type']);
      // The checks come with a library that no other request needs.
      const { readFault } = await import('../faults/read-fault.ts');
      writeObject(exchange, 201, shown(faults.add(readFault(body))));
      return;
    }
    if (request.method === 'DELETE') {
      if (id === '') {
        writeObject(exchange, 200, { kind: 'Healed', count: faults.healAll() });
        return;
      }
      faults.heal(id);
      writeObject(exchange, 200, { kind: 'Healed', count: 1 });
      return;
    }
  } catch (error) {
    throw asStatus(error, id);
  }
  throw methodNotAllowed({ group: '', resource: 'faults' }, (request.method ?? '').toLowerCase());
}

function shown({ id, fault, since, seen, hits, over }: RunningFault): JsonObject {
  return { id, since, seen, hits, over, fault: JSON.parse(JSON.stringify(fault)) as JsonObject };
}

function asStatus(error: unknown, name: string): unknown {
  if (!(error instanceof LandfallError)) return error;
  const message = error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
  if (error.kind === 'not-found')
    return new ApiStatusError(404, 'NotFound', message, { name, kind: 'faults' });
  if (error.kind === 'conflict') return new ApiStatusError(409, 'Conflict', message, { kind: 'faults' });
  return error.kind === 'invalid-input' ? badRequest(message) : error;
}
