export { faultBoard } from './board.ts';
export type { ActiveFault, FaultBoard, Faults, RunningFault } from './board.ts';
export type {
  ApiEffect,
  ApiFault,
  ApiVerb,
  Fault,
  NodeEffect,
  NodeFault,
  PodEffect,
  PodFault,
  Pressure,
  PullEffect,
  PullFault,
  RegistryFault,
  Trigger,
  WatchEnd,
} from './fault.ts';
