/** The loop that keeps Applications delivered where no other engine does. */
export { startController } from './controller.ts';
export type { Controller, ControllerOptions } from './controller.ts';
