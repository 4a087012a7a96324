export { startNode } from './agent.ts';
export type { NodeAgent, NodeOptions } from './agent.ts';
export type { PodTokens } from './context.ts';
export type { ImageSource } from './images.ts';
export type { PodWorker } from './pod-worker.ts';
