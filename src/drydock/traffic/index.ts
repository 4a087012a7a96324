/**
 * What comes from outside: Gateways with their HTTPRoutes, and Ingresses, served on addresses of this machine. What
 * they say is read into one form (`rule`), and a request is matched, shared out and passed on by that.
 */
export { INGRESS_CONTROLLER } from './ingresses.ts';
export { GATEWAY_CONTROLLER } from './gateways.ts';
export { startTraffic } from './start-traffic.ts';
export type { Traffic } from './start-traffic.ts';
