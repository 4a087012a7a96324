import type { Clock } from '../kernel/index.ts';
import type { Scope } from './authorizer.ts';
import type { Endpoint } from './endpoints.ts';
import type { HttpResponse } from './http-exchange.ts';
import type { RegistryRequest } from './transport.ts';

/** What the parts of the client share: how to ask the endpoints of a registry. */
export interface Session {
  readonly clock: Clock;
  /** Asks mirrors, then the registry, until one answers; the registry's own failure is the one that is told. */
  read<T>(registry: string, signal: AbortSignal, ask: (endpoint: Endpoint) => Promise<T>): Promise<T>;
  /**
   * The registry itself or what stands in for it: where writes go, and what lists are read from. A mirror may know
   * fewer tags and referrers than the registry, and an incomplete list looks like a complete one.
   */
  authority(registry: string, signal: AbortSignal): Promise<Endpoint>;
  send(endpoint: Endpoint, request: RegistryRequest, signal: AbortSignal): Promise<HttpResponse>;
}

export function pullScope(repository: string): readonly Scope[] {
  return [{ repository, actions: 'pull' }];
}

export function pushScope(repository: string): readonly Scope[] {
  return [{ repository, actions: 'pull,push' }];
}
