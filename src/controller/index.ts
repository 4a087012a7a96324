/** The loop that keeps Applications delivered where no other engine does. */
export { startController } from './controller.ts';
export type { Controller, ControllerOptions } from './contract.ts';
export { bringRoot } from './root.ts';
export { startPromotions } from './promotions.ts';
export { startWebhook } from './webhook.ts';
export type { BuildDecision } from './webhook.ts';
export { createDeclarations } from './declarations.ts';
export { renderTemplate } from './applicationsets/template/index.ts';
export { startBuilds } from './builds.ts';
export type { BuildLoop, BuildLoopOptions } from './builds.ts';
export { workOnBuilds } from './build-workers.ts';
export { attestToken, mayDecide } from './attest.ts';
