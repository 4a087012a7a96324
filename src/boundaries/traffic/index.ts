export { discoverObservations, observe, serviceFacts } from './collect.ts';
export { decideTraffic } from './decide.ts';
export type { TrafficFacts } from './decide.ts';
export { groupName, percent, shareOf, worstGroup } from './errors.ts';
export type {
  BuildInfoReading,
  Endpoint,
  ErrorBaseline,
  ErrorShare,
  Observation,
  Observed,
  ServiceFacts,
} from './facts.ts';
export type { Sample } from './prometheus.ts';
export { sampleName } from './prometheus.ts';
