/** What Argo CD's AppProjects let applications do. */
export { globOf } from './project.ts';
export type { Project } from './project.ts';
export { followProjects } from './projects.ts';
export type { Projects } from './projects.ts';
