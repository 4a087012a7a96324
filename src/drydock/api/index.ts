export { createApi } from './api-server.ts';
export type { ApiOptions, ApiServer } from './api-server.ts';
export { ApiStatusError } from './contract.ts';
