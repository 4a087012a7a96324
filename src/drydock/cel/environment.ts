import { Environment } from '@marcbachmann/cel-js';
import { registerAddresses } from './addresses.ts';
import { registerHas } from './has.ts';
import { registerLists } from './lists.ts';
import { registerQuantities } from './quantities.ts';
import { registerStrings } from './strings.ts';
import { registerUrls } from './urls.ts';

let base: Environment | undefined;

/**
 * The language with the functions that Kubernetes adds to it. A new one each time, for variables of its own. Source:
 * apiserver's pkg/cel/environment and pkg/cel/library.
 */
export function celEnvironment(): Environment {
  if (base === undefined) {
    base = new Environment({
      enableOptionalTypes: true,
      homogeneousAggregateLiterals: false,
      limits: { maxAstNodes: 20_000, maxDepth: 100 },
    });
    registerHas(base);
    registerStrings(base);
    registerLists(base);
    registerQuantities(base);
    registerUrls(base);
    registerAddresses(base);
  }
  return base.clone();
}
