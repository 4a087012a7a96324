/** The system of "Deploy", dev and prod, made to run: its two repositories and the clients that watch it from outside. */
export {
  API_HOST,
  APPROVER,
  createTomodaRepositories,
  DEV_API_HOST,
  DEV_IMAGE,
  DEVELOPER,
  PROD_IMAGE,
  REGISTRY,
} from './repositories.ts';
export type {
  ClonedRepository,
  Colleague,
  PinnedImage,
  TomodaApplication,
  TomodaOptions,
  TomodaRepositories,
} from './repositories.ts';
export { startLoad } from './client.ts';
export type { IngressAddress, Load, LoadReport } from './client.ts';
