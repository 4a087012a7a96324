/** Pull requests on GitHub, GitLab and Gitea or Forgejo. */
export { createForge } from './forge.ts';
export type { ForgeOptions } from './forge.ts';
export { detectProvider } from './place.ts';
export type { DeclaredForge } from './place.ts';
export type { TokenSource } from './token.ts';
export type { Forge, OpenRequest, Provider, PullRequest } from './contract.ts';
