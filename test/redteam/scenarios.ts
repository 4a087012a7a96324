import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Asking } from '../../src/cli/question.ts';
import type { ClusterOptions } from '../../src/drydock/index.ts';
import type { JsonObject } from '../../src/kernel/index.ts';
import type { Proof } from '../../src/verdict/index.ts';
import { openWitness, saying, syncedAt } from './witness.ts';
import type { Shape, Witness } from './witness.ts';

export const MINUTE = 60_000;

/** A delivery that lands, and then does not any more; or one that never did. */
export interface Scenario {
  readonly says: string;
  readonly shape?: (witness: Witness) => Shape;
  /** Instead of the usual manifests. */
  readonly yaml?: (witness: Witness) => string;
  /** More of the spec of the Application. */
  readonly spec?: JsonObject;
  /** What happens after it has landed; left out: it is so from the beginning. */
  readonly happens?: (witness: Witness, name: string) => Promise<unknown>;
  readonly asking?: Partial<Asking>;
  readonly wanted: string;
}

export type Scenarios = Readonly<Record<string, Scenario>>;

const told = ({ boundaries }: Proof) =>
  boundaries
    .map(({ boundary, state, reason, detail }) => `${boundary} ${state} ${reason}: ${detail}`)
    .join('\n');

const seen = (wanted: string) => (proof: Proof) => saying(proof) === wanted;

/** Commits the manifests, and applies them as Argo CD would. */
export async function redeliver(witness: Witness, name: string, yaml: string): Promise<void> {
  const revision = await witness.commit(name, yaml);
  await witness.apply(name, yaml);
  await witness.status(name, syncedAt(revision));
}

/** Each scenario in a namespace of its own, and each shape that is only unusual, which has to land. */
export function scenarios(
  subject: string,
  broken: Scenarios,
  healthy: Readonly<Record<string, (witness: Witness) => string>> = {},
  definitions?: ClusterOptions['definitions'],
): void {
  let witness: Witness;
  beforeAll(async () => {
    witness = await openWitness(definitions);
  }, 2 * MINUTE);
  afterAll(async () => {
    await witness?.close();
  }, MINUTE);

  describe(subject, () => {
    it.each(Object.entries(broken))('is seen: %s', { timeout: 2 * MINUTE }, async (name, scenario) => {
      const { says, shape, yaml, spec, happens, asking, wanted } = scenario;
      await witness.deliver(name, yaml?.(witness) ?? witness.manifests(shape?.(witness)), spec);
      if (happens !== undefined) {
        const before = await witness.until(name, seen('landed'));
        expect(saying(before), `${says}\n${told(before)}`).toBe('landed');
        await happens(witness, name);
      }
      const proof = await witness.until(name, seen(wanted), asking);
      expect(saying(proof), `${says}\n${told(proof)}`).toBe(wanted);
    });

    it.each(Object.entries(healthy))('is not made up: %s', { timeout: 2 * MINUTE }, async (name, yaml) => {
      await witness.deliver(name, yaml(witness));
      const proof = await witness.until(name, seen('landed'));
      expect(saying(proof), told(proof)).toBe('landed');
    });
  });
}
