import { createHash, timingSafeEqual } from 'node:crypto';
import type { JsonObject } from '../../kernel/index.ts';
import type { Store } from '../store/store.ts';
import type { Authorizer, Question } from './authorizer.ts';
import { RoleBasedAccess } from './rbac.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';
import { ADMIN } from './write-request.ts';

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

/** What everybody may do who is known: look around, and ask about oneself. */
const COMMON_RULES: readonly JsonObject[] = [
  {
    verbs: ['create'],
    apiGroups: ['authorization.k8s.io'],
    resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
  },
  { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
  { verbs: ['get'], nonResourceURLs: DISCOVERY_PATHS },
  { verbs: ['get'], nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'] },
  { verbs: ['get'], nonResourceURLs: ['/.well-known', '/.well-known/*'] },
];

const REVIEWS: ReadonlySet<string> = new Set([
  'selfsubjectaccessreviews',
  'selfsubjectrulesreviews',
  'selfsubjectreviews',
]);

function isCommon(question: Question): boolean {
  if (question.path === undefined) return question.verb === 'create' && REVIEWS.has(question.resource);
  const { path } = question;
  return (
    question.verb === 'get' &&
    DISCOVERY_PATHS.some((pattern) =>
      pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern,
    )
  );
}

export interface AccessOptions {
  /** The token with all rights. */
  readonly token: string;
  readonly store: Store;
  readonly tokens: ServiceAccountTokens;
  /** True: everybody but the administrator needs a role. False: whoever is known may do everything. */
  readonly rbac: boolean;
}

/** Who is known by which token, and what they may do. Tokens are compared in constant time. */
export function clusterAccess(options: AccessOptions): Authorizer {
  const wanted = digest(options.token);
  const roles = new RoleBasedAccess(options.store);
  const everything: readonly JsonObject[] = [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ];
  return {
    authenticate: (given) =>
      timingSafeEqual(digest(given), wanted) ? ADMIN : options.tokens.authenticate(given),
    decide(user, question) {
      if (!options.rbac || isCommon(question)) return { allowed: true, reason: '' };
      return roles.decide(user, question);
    },
    rulesFor(user, namespace) {
      const own = options.rbac ? roles.rulesFor(user, namespace) : everything;
      const all = [...own, ...COMMON_RULES];
      return {
        resourceRules: all.filter((rule) => rule.nonResourceURLs === undefined),
        nonResourceRules: all
          .filter((rule) => rule.nonResourceURLs !== undefined)
          .map((rule) => ({ verbs: rule.verbs ?? [], nonResourceURLs: rule.nonResourceURLs ?? [] })),
      };
    },
  };
}
