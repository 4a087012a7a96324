/** What Argo CD's AppProjects let applications do. */
export type { Project } from './project.ts';
export { followProjects } from './projects.ts';
export type { Projects } from './projects.ts';
