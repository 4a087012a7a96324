import {
  OLD,
  NEW,
  CRASH,
  ended,
  build,
  commit,
  HEALTHY,
  healthy,
  pull,
  pulled,
  PULL,
  started,
  latest,
  refusal,
  failureCase,
} from './failure-case.ts';
import type { FailureCase } from './failure-case.ts';
import { deployment, log, pod, SOURCE, world } from '../findings-worlds.ts';

/** What builds, pushes and pulls can do wrong. */
export const PIPELINE: readonly FailureCase[] = [
  failureCase('PIP-01', 'mutable-reference-moved', 'intent', 'pushed again, no pod since', {
    broken: world(latest('2026-03-01T11:00:00Z')),
    twin: world(latest('2026-03-01T11:40:00Z', NEW)),
  }),
  failureCase('PIP-02', 'bump-never-committed', 'intent', 'image pushed, no commit after it', {
    broken: world({
      ...HEALTHY,
      builds: [build({ image: 'registry.corp.io/api:1.1.0' })],
      commits: [commit({})],
    }),
    twin: world({
      live: [
        ...deployment({ image: 'registry.corp.io/api:1.1.0' }),
        ...pod({ image: 'registry.corp.io/api:1.1.0', digest: NEW }),
      ],
      builds: [build({ image: 'registry.corp.io/api:1.1.0' })],
      commits: [commit({})],
    }),
  }),
  failureCase('PIP-03', 'bump-lost-in-race', 'intent', 'push rejected', {
    broken: world({ ...HEALTHY, logs: [log('ci', ' ! [rejected]        HEAD -> main (non-fast-forward)')] }),
    twin: world({ ...HEALTHY, logs: [log('ci', '   a4f8c2d..e3b7d9f  HEAD -> main')] }),
  }),
  failureCase('PIP-04', 'image-missing', 'artifact', 'tag not in the registry', {
    broken: pull(
      `${PULL}rpc error: code = NotFound desc = failed to pull and unpack image "registry.corp.io/api:1.0.0": failed to resolve reference "registry.corp.io/api:1.0.0": registry.corp.io/api:1.0.0: not found`,
    ),
    twin: pulled(`${PULL}rpc error: code = NotFound`),
  }),
  failureCase('PIP-05', 'registry-credentials', 'health', '401 of the registry', {
    broken: pull(
      `${PULL}failed to authorize: failed to fetch anonymous token: unexpected status from GET request: 401 Unauthorized`,
    ),
    twin: pulled('401 Unauthorized pulling image'),
  }),
  failureCase('PIP-06', 'registry-unreachable', 'health', 'name of the registry unknown', {
    broken: pull(
      `${PULL}failed to do request: Head "https://registry.corp.io/v2/": dial tcp: lookup registry.corp.io: no such host`,
    ),
    twin: pulled('Failed to pull image: no such host'),
  }),
  failureCase('PIP-07', 'registry-rate-limit', 'health', '429 of the registry', {
    broken: pull(
      `${PULL}429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.`,
    ),
    twin: pulled('Failed to pull image: 429 Too Many Requests'),
  }),
  failureCase('PIP-08', 'image-platform-wrong', 'artifact', 'exec format error', {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({ ready: false, phase: 'Running', restarts: 3, state: CRASH, last: ended(255) }),
      ],
      logs: [log('api-6b7f9a8d43-h2k4l', 'exec /app/server: exec format error', true)],
    }),
    twin: healthy,
  }),
  failureCase('PIP-08', 'image-platform-missing', 'artifact', 'no manifest for the platform', {
    broken: pull(`${PULL}no match for platform in manifest: not found`),
    twin: pulled('Failed to pull image: no match for platform in manifest'),
  }),
  failureCase('PIP-09', 'image-collected', 'artifact', 'pinned digest gone', {
    broken: pull(
      `Failed to pull image: rpc error: code = NotFound desc = manifest unknown`,
      `registry.corp.io/api@${OLD}`,
    ),
    twin: healthy,
  }),
  failureCase('PIP-10', 'wrong-code-in-image', 'artifact', 'digest right, commit of the process wrong', {
    broken: world({
      live: [...deployment(), ...pod({ digest: NEW })],
      builds: [build({ image: 'registry.corp.io/api:1.0.0' })],
      samples: [
        {
          name: 'app_build_info',
          labels: { version: '2.5.0', commit: 'b91e4c7a' },
          value: 1,
          from: 'api',
          source: SOURCE,
        },
      ],
    }),
    twin: world({
      live: [...deployment(), ...pod({ digest: NEW })],
      builds: [build({ image: 'registry.corp.io/api:1.0.0' })],
      samples: [
        {
          name: 'app_build_info',
          labels: { version: '2.5.0', commit: 'e3b7d9f1aa' },
          value: 1,
          from: 'api',
          source: SOURCE,
        },
      ],
    }),
  }),
  failureCase('PIP-11', 'replicas-differ', 'intent', 'two digests under one tag', {
    broken: world({
      live: [
        ...deployment({ replicas: 2 }),
        ...pod({ digest: OLD }),
        ...pod({ name: 'api-6b7f9a8d43-m5n8p', digest: NEW, node: 'node-2' }),
      ],
    }),
    twin: world({
      live: [
        ...deployment({ replicas: 2 }),
        ...pod({ digest: OLD }),
        ...pod({ name: 'api-6b7f9a8d43-m5n8p', digest: OLD, node: 'node-2' }),
      ],
    }),
  }),
  failureCase('PIP-12', 'digest-of-index', 'artifact', 'platform manifest and index', {
    broken: world({
      ...HEALTHY,
      digests: [
        { reference: 'registry.corp.io/api:1.0.0', digest: NEW, platforms: [], answer: 'OK', source: SOURCE },
        {
          reference: 'registry.corp.io/api:1.0.0',
          digest: OLD,
          platforms: ['linux/amd64'],
          answer: 'OK',
          source: SOURCE,
        },
      ],
    }),
    twin: world({
      ...HEALTHY,
      digests: [
        { reference: 'registry.corp.io/api:1.0.0', digest: OLD, platforms: [], answer: 'OK', source: SOURCE },
      ],
    }),
  }),
  failureCase(
    'PIP-13',
    'image-name-invalid',
    'render',
    'empty variable in the image',
    started(
      'InvalidImageName',
      'Failed to apply default image tag "registry.corp.io/api:": couldn\'t parse image name "registry.corp.io/api:": invalid reference format',
    ),
  ),
  failureCase(
    'PIP-13',
    'image-never-pulled',
    'health',
    'policy Never',
    started(
      'ErrImageNeverPull',
      'Container image "registry.corp.io/api:1.0.0" is not present with pull policy of Never',
    ),
  ),
  failureCase(
    'PIP-14',
    'signature-rejected',
    'artifact',
    'no matching signatures',
    refusal(
      'admission webhook "policy.sigstore.dev" denied the request: validation failed: no matching signatures',
    ),
  ),
];
