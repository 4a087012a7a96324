/**
 * Drydock's API server. A write goes through `machinery` (decode with the types of `schema`, the rules of `kinds`,
 * `admission`, ownership by `merge`) into the one log of `store`; `http` is the wire, with `tables`, `openapi` and
 * `protobuf`; `custom` adds kinds.
 */
export { createApi } from './api-server.ts';
export type { ApiOptions, ApiServer } from './api-server.ts';
export { ApiStatusError } from './contract.ts';
export { localCertificate, serveApi } from '../http/server.ts';
export type { ServedApi, ServeOptions } from '../http/server.ts';
export { makeServerCertificate } from '../http/certificate.ts';
export { signClientCertificate } from '../http/client-certificate.ts';
export type { ServerCertificate } from '../http/certificate.ts';
export { BUNDLED_FAMILIES } from '../custom/bundled.ts';
export type { BundledFamily } from '../custom/bundled.ts';
export type { MetricsSource, NodeMetrics, PodMetrics } from './metrics.ts';
