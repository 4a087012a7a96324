/** The system of "the deploy that didn't deploy": its repositories and its CI, made to run. */
export { createNotificationRepositories } from './repositories.ts';
export type {
  DeploymentRepository,
  NotificationRepositories,
  Release,
  RepositoryOptions,
  SourceRepository,
} from './repositories.ts';
export { buildAndPush } from './ci.ts';
export type { Build, BuildRequest } from './ci.ts';
