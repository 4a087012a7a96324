/** An OCI registry in this process: what Drydock's nodes pull from, and what tests push to. */
export { startRegistry } from './registry.ts';
export type { Registry, RegistryOptions, RequestRecord } from './registry.ts';
export type { RegistryAuth, RegistryUser } from './auth.ts';
export { isFor } from './faults.ts';
export type { Fault, FaultEffect, FaultTarget } from './faults.ts';
export type { RateLimit } from './rate-limit.ts';
export type { Operation } from './route.ts';
