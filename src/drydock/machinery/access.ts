import { createHash, timingSafeEqual } from 'node:crypto';
import type { JsonObject } from '../../kernel/index.ts';
import type { Authorizer, Decision } from './authorizer.ts';
import { ADMIN, type User } from './write-request.ts';

const digest = (text: string) => createHash('sha256').update(text).digest();

const DISCOVERY_PATHS = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/healthz',
  '/livez',
  '/openapi',
  '/openapi/*',
  '/readyz',
  '/version',
  '/version/',
];

/** One token with all rights: what a cluster on a laptop needs. Tokens are compared in constant time. */
export function singleTokenAuthorizer(token: string): Authorizer {
  const wanted = digest(token);
  const allowed: Decision = { allowed: true, reason: '' };
  return {
    authenticate: (given): User | undefined => (timingSafeEqual(digest(given), wanted) ? ADMIN : undefined),
    decide: () => allowed,
    rulesFor: () => ({
      resourceRules: [
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
        {
          verbs: ['create'],
          apiGroups: ['authorization.k8s.io'],
          resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
        },
        { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
      ] satisfies JsonObject[],
      nonResourceRules: [
        { verbs: ['*'], nonResourceURLs: ['*'] },
        { verbs: ['get'], nonResourceURLs: DISCOVERY_PATHS },
        { verbs: ['get'], nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'] },
      ] satisfies JsonObject[],
    }),
  };
}
