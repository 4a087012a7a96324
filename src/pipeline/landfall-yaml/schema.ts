import { array, literal, record, strictObject } from 'zod';
import type { output } from 'zod';
import { people } from './approval.ts';
import { builds } from './builds.ts';
import { forges } from './forges.ts';
import { healthRule } from './health.ts';
import { channel } from './notify.ts';
import { observation } from './observe.ts';
import { day, name } from './parts.ts';
import { promotion } from './promotion.ts';
import { imageUpdate, updates } from './updates.ts';

/** The file at a repository's root. It holds only what no other file can say. */
export const LANDFALL_FILE = 'landfall.yaml';

const application = strictObject({
  /** What builds the image, and under which name it is pushed. */
  source: strictObject({ repository: name, image: name.exactOptional() }).exactOptional(),
  /** What users should observe, by Service of the destination namespace. */
  observe: array(observation).exactOptional(),
  /** Images that are kept at what a policy chooses. */
  updates: array(imageUpdate).max(100).exactOptional(),
});

const environment = strictObject({
  name,
  applications: array(name).exactOptional(),
  notify: array(channel).exactOptional(),
  promotion: promotion.exactOptional(),
});

/** A finding of `landfall check` that somebody has decided to live with: why, and until which day. */
const suppression = strictObject({
  finding: name,
  object: name.exactOptional(),
  reason: name,
  until: day,
});

export const landfallYaml = strictObject({
  apiVersion: literal('landfall.dev/v1'),
  applications: record(name, application).exactOptional(),
  /** In the order in which a release passes through them. */
  environments: array(environment).exactOptional(),
  /** Of several rules for an object the first counts. */
  health: array(healthRule).max(100).exactOptional(),
  check: strictObject({ suppress: array(suppression).exactOptional() }).exactOptional(),
  /** How the updater commits. */
  updates: updates.exactOptional(),
  builds: builds.exactOptional(),
  /** Hosts of repositories whose names do not tell how pull requests are opened there. */
  forges: forges.exactOptional(),
  people: people.exactOptional(),
});

export type LandfallYaml = output<typeof landfallYaml>;
export type PromotionPolicy = output<typeof promotion>;
