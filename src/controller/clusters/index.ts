/** Where objects go and where they come from: clusters, and access to repositories. */
export { createAccessFiles } from './access.ts';
export type { AccessFiles } from './access.ts';
export { createClusters } from './clusters.ts';
export type { Cluster, Clusters } from './clusters.ts';
export { followArgoSecrets } from './secrets.ts';
export type { ArgoSecrets } from './secrets.ts';
