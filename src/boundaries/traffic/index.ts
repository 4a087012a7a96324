export { besideFacts } from './beside.ts';
export { discoverObservations, endpointsOf, observe, routeFacts, serviceFacts } from './collect.ts';
export { askPorts } from './ports.ts';
export { decideTraffic } from './decide.ts';
export { groupName, measuredOf, percent, shareOf, worstGroup } from './errors.ts';
export type {
  BuildInfoReading,
  Endpoint,
  ErrorBaseline,
  ErrorShare,
  Observation,
  Observed,
  ServiceFacts,
  TrafficFacts,
} from './facts.ts';
export type { Sample } from './prometheus.ts';
export { sampleName } from './prometheus.ts';
