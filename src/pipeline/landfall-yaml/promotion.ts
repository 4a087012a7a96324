import { array, boolean, enum as oneOf, int, number, strictObject, string, union } from 'zod';
import { day, name } from './parts.ts';

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** `90s`, `30m`, `1h30m`, `2d`; in milliseconds. */
const duration = string()
  .regex(DURATION, 'a duration such as 90s, 30m, 1h30m or 2d is wanted')
  .transform((text) =>
    [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)].reduce(
      (sum, [, count, unit = 's']) => sum + Number(count) * (UNITS[unit] ?? 0),
      0,
    ),
  );

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const timeZone = string().refine(isTimeZone, 'the name of a time zone is wanted, such as Europe/Berlin');
const timeOfDay = string().regex(
  /^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/,
  'a time of day from 00:00 to 24:00 is wanted',
);
const weekday = oneOf(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);

/** When a promotion may go on (`open`), or must not (`closed`), by the wall clock of a time zone. */
const window = strictObject({
  kind: oneOf(['open', 'closed']).exactOptional(),
  /** Left out: every day. */
  days: array(weekday).min(1).exactOptional(),
  /** Left out: from midnight to midnight. A window whose end lies before its beginning ends the next day. */
  from: timeOfDay.exactOptional(),
  to: timeOfDay.exactOptional(),
  /** First and last day, for what comes once: a freeze. */
  since: day.exactOptional(),
  until: day.exactOptional(),
  /** Default: UTC. */
  timeZone: timeZone.exactOptional(),
  reason: name.exactOptional(),
}).refine(
  (value) => (value.from === undefined) === (value.to === undefined),
  'from and to are wanted together, or neither',
);

const address = string().regex(/^https?:\/\/[^\s/@]+(?:\/\S*)?$/, 'an http address without user is wanted');

const check = union(
  [
    /** A program of the machine that promotes, with the promotion in LANDFALL_… of its environment; exit 0 is yes. */
    strictObject({ name, run: array(name).min(1), timeout: duration.exactOptional() }),
    /** An address that has to answer with that status. */
    strictObject({
      name,
      url: address,
      status: int().min(100).max(599).exactOptional(),
      timeout: duration.exactOptional(),
    }),
    /** A query to Prometheus whose only answer has to lie within bounds. */
    strictObject({
      name,
      prometheus: address,
      query: name,
      min: number().exactOptional(),
      max: number().exactOptional(),
      timeout: duration.exactOptional(),
    }),
    /** Another application that has to be landed. */
    strictObject({ name, landed: name }),
  ],
  'a check is {name, run: [PROGRAM, …]}, {name, url: ADDRESS}, {name, prometheus: ADDRESS, query: …} or {name, landed: APPLICATION}',
);

const approvals = strictObject({
  count: int().min(1).max(20),
  /** Names as the cluster attests them, or `group:NAME`; left out: anybody whom the cluster knows. */
  by: array(name).min(1).exactOptional(),
  /** Whoever asked for the promotion is not counted. */
  notAuthor: boolean().exactOptional(),
});

const field = string().regex(
  /^(?:images|[A-Za-z][\w-]*(?:\.[\w-]+)*)$/,
  'images, or a field such as spec.replicas is wanted',
);

/** How a release comes into an environment. */
export const promotion = strictObject({
  /** Left out: the environment before it. */
  from: name.exactOptional(),
  style: oneOf(['overlay', 'file', 'branch', 'tag', 'pull-request']).exactOptional(),
  /** Style `file`: the version file, from the root of the repository, and where in it tag and digest stand. */
  file: strictObject({
    path: name,
    tag: name.exactOptional(),
    digest: name.exactOptional(),
    name: name.exactOptional(),
  }).exactOptional(),
  /** Style `tag`: what the tag is called; {tag}, {application} and {environment} are filled in. Default: v{tag}. */
  tag: name.exactOptional(),
  /** How long it has to have stood in the source without a break. */
  soak: duration.exactOptional(),
  approvals: approvals.exactOptional(),
  windows: array(window).max(50).exactOptional(),
  checks: array(check).max(20).exactOptional(),
  /** What may differ after it. Default: images. */
  fields: array(field).min(1).exactOptional(),
  /** Landfall promotes by itself what has landed and soaked. */
  auto: boolean().exactOptional(),
}).refine((value) => value.style !== 'file' || value.file !== undefined, {
  path: ['file'],
  message: 'style file wants the version file: {path: environments/staging-values.yaml, tag: image.tag}',
});
