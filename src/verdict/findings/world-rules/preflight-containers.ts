import { getObject, getString, jsonEqual } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import { tagOf } from './digests.ts';
import { habit, parts } from './habit.ts';
import { probePort } from './probes.ts';
import type { Draft, WorldRule } from './rule.ts';

/** Images by mutable names, policies that surprise, names that are none. */
export const images: WorldRule = (view) =>
  parts(view).flatMap((part): Draft[] => {
    const image = getString(part.container, 'image');
    const policy = getString(part.container, 'imagePullPolicy');
    const at = { thing: part.thing, path: [...part.path, 'image'] };
    const who = `${part.thing.id} ${part.name}`;
    if (image === undefined || image === '')
      return [
        habit(
          view,
          { thing: part.thing, path: [...part.path, 'name'] },
          {
            failure: 'REN-07',
            id: 'image-left-out',
            boundary: 'render',
            kind: 'cause',
            confidence: 0.95,
            title: `${who} has no image`,
            why: 'The API server refuses a container without an image. Mostly a patch that names a container which the base does not have.',
            fix: 'Name the image, or correct the name of the container in the patch.',
            attribute: 'image',
            value: 'none',
          },
        ),
      ];
    const drafts: Draft[] = [];
    if (!image.includes('@')) {
      const tag = tagOf(image);
      const moving =
        tag === 'latest' ||
        /^(?:main|master|dev|develop|stable|edge|nightly|prod|production|staging|release|current)$/.test(
          tag ?? '',
        );
      if (moving)
        drafts.push(
          habit(view, at, {
            failure: 'PIP-01',
            id: 'mutable-tag',
            boundary: 'intent',
            confidence: 0.97,
            title: `${who} names ${image}, a tag that is pushed again and again`,
            why: 'A push changes what it means without a commit: the next deploy may change nothing, and a restart may change everything.',
            fix: 'Pin a version and its digest.',
            attribute: 'image',
            value: image,
          }),
        );
      else
        drafts.push(
          habit(view, at, {
            failure: 'PIP-11',
            id: 'digest-missing',
            boundary: 'intent',
            confidence: 0.6,
            title: `${who} names ${image} without a digest`,
            why: 'Whoever pushes to the tag changes what it means; nodes may then run different images under one name.',
            fix: 'Add the digest to the tag.',
            attribute: 'image',
            value: image,
          }),
        );
      if (moving && policy !== undefined && policy !== 'Always')
        drafts.push(
          habit(
            view,
            { thing: part.thing, path: [...part.path, 'imagePullPolicy'] },
            {
              failure: 'PIP-11',
              id: 'stale-copy-possible',
              boundary: 'intent',
              title: `${who} takes ${image} from the cache of the node (${policy})`,
              why: 'A node that has a copy under that name does not ask the registry, not even for a new pod.',
              fix: 'Pin the digest; then IfNotPresent is right.',
              attribute: 'imagePullPolicy',
              value: policy,
            },
          ),
        );
    }
    if (policy === 'Never')
      drafts.push(
        habit(
          view,
          { thing: part.thing, path: [...part.path, 'imagePullPolicy'] },
          {
            failure: 'PIP-13',
            id: 'pull-policy-never',
            boundary: 'health',
            confidence: 0.9,
            title: `${who} may never pull its image`,
            why: 'Only a node that has it already can run it.',
            fix: 'Use IfNotPresent.',
            attribute: 'imagePullPolicy',
            value: policy,
          },
        ),
      );
    return drafts;
  });

/** Probes that ask undeclared ports, or that restart what is merely busy. */
export const probes: WorldRule = (view) =>
  parts(view).flatMap((part): Draft[] => {
    const drafts: Draft[] = [];
    for (const field of ['readinessProbe', 'livenessProbe', 'startupProbe'] as const) {
      const probe = getObject(part.container, field);
      const port = probePort(part.container, probe);
      if (probe !== undefined && port !== undefined && !port.declared)
        drafts.push(
          habit(
            view,
            { thing: part.thing, path: [...part.path, field] },
            {
              failure: field === 'readinessProbe' ? 'ROL-12' : 'ROL-13',
              id: 'probe-port-undeclared',
              boundary: 'health',
              kind: 'cause',
              confidence: /^\d+$/.test(port.port) ? 0.75 : 0.95,
              title: `the ${field} of ${part.thing.id} ${part.name} asks port ${port.port}, which the container does not declare`,
              why: 'A name that no port has can never pass; a number may, where the program listens on it all the same.',
              fix: 'Ask a declared port.',
              attribute: `${field} port`,
              value: port.port,
            },
          ),
        );
    }
    const readiness = getObject(part.container, 'readinessProbe');
    const liveness = getObject(part.container, 'livenessProbe');
    const handler = (probe: JsonObject | undefined) =>
      getObject(probe, 'httpGet') ??
      getObject(probe, 'tcpSocket') ??
      getObject(probe, 'grpc') ??
      getObject(probe, 'exec');
    if (
      readiness !== undefined &&
      liveness !== undefined &&
      jsonEqual(handler(readiness), handler(liveness)) &&
      getObject(part.container, 'startupProbe') === undefined &&
      getObject(liveness, 'httpGet') !== undefined
    )
      drafts.push(
        habit(
          view,
          { thing: part.thing, path: [...part.path, 'livenessProbe'] },
          {
            failure: 'ROL-13',
            id: 'liveness-equals-readiness',
            boundary: 'health',
            confidence: 0.7,
            title: `${part.thing.id} ${part.name} is restarted by the same question that takes it out of traffic`,
            why: 'What is slow or waits for a dependency should get no traffic; restarting it makes it slower.',
            fix: 'Give liveness an endpoint that asks nobody else, and a startupProbe for the start.',
            attribute: 'livenessProbe',
            value: 'as readinessProbe',
          },
        ),
      );
    return drafts;
  });
