import { array, int, number, record, strictObject, string, union } from 'zod';
import { label, metric, name, path } from './parts.ts';

const buildInfo = strictObject({
  path,
  metric,
  version: label.exactOptional(),
  commit: label.exactOptional(),
});

const errors = strictObject({
  path,
  metric,
  by: array(label).exactOptional(),
  failed: record(label, string()).refine(
    (labels) => Object.keys(labels).length > 0,
    'labels of a failed sample are wanted, such as {status: failed}',
  ),
  minimumSamples: int().min(1).exactOptional(),
  maximumIncrease: number().min(0).max(1).exactOptional(),
});

/** What users should observe of one Service. */
export const observation = strictObject({
  service: name,
  port: union([int().min(1).max(65_535), name]),
  probe: path.exactOptional(),
  buildInfo: buildInfo.exactOptional(),
  errors: errors.exactOptional(),
}).refine(
  ({ probe, buildInfo: info, errors: rate }) => [probe, info, rate].some((part) => part !== undefined),
  "nothing is observed: give 'probe', 'buildInfo' or 'errors'",
);
