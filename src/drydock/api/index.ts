export { createApi } from './api-server.ts';
export type { ApiOptions, ApiServer } from './api-server.ts';
export { ApiStatusError } from './contract.ts';
export { localCertificate, serveApi } from '../http/server.ts';
export type { ServedApi, ServeOptions } from '../http/server.ts';
export type { ServerCertificate } from '../http/certificate.ts';
export { BUNDLED_FAMILIES } from '../custom/bundled.ts';
export type { BundledFamily } from '../custom/bundled.ts';
export type { MetricsSource, NodeMetrics, PodMetrics } from './metrics.ts';
