import { getString } from '../kernel/index.ts';
import type { Delivery } from './contract.ts';

/** Ends of a delivery that a sync of ours decided itself. */
const FAILED: readonly Delivery['state'][] = ['refused', 'restored', 'kept', 'stuck'];

/**
 * The boundary at which a delivery stopped or stands: what its proof named, else where a sync that failed has failed.
 * Undefined for one that landed, and where nothing is known.
 */
export function stoppedAt({ state, proof, results }: Delivery): string | undefined {
  if (state === 'landed') return undefined;
  if (FAILED.includes(state))
    return results.some((result) => getString(result, 'state') === 'unhealthy') ? 'health' : 'sync';
  return getString(proof, 'verdict', 'boundary');
}
