import { compilePolicy } from '../../boundaries/intent/index.ts';
import type { Chooser } from '../../boundaries/intent/index.ts';
import type { ImageRule } from './configuration/index.ts';

const KEPT_POLICIES = 5000;

/** Compiled once for every content of a rule. */
export function newChoosers(): (rule: ImageRule) => Chooser {
  const known = new Map<string, Chooser>();
  return (rule) => {
    const key = JSON.stringify([rule.policy, rule.filter, rule.where]);
    let chooser = known.get(key);
    if (chooser === undefined) {
      chooser = compilePolicy(rule.policy, rule.filter, `${rule.where}, image ${rule.name}`);
      if (known.size >= KEPT_POLICIES) known.clear();
      known.set(key, chooser);
    }
    return chooser;
  };
}
