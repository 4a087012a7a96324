import { LandfallError, nearest } from '../../kernel/index.ts';
import type { Delivery, Ledger } from '../../ledger/index.ts';

/** Deliveries that are ever looked through for a name or a landed one. */
export const LOOKED_THROUGH = 1000;

/** Throws `not-found` with the nearest names that the ledger knows. */
export async function refuseUnknown(ledger: Ledger, application: string): Promise<never> {
  const known = new Set(
    (await ledger.deliveries.list({}, LOOKED_THROUGH)).map((delivery) => delivery.application),
  );
  const near = nearest(application, [...known]);
  throw new LandfallError(`The ledger holds no delivery of ${application}.`, {
    kind: 'not-found',
    code: 'history-empty',
    object: application,
    hint:
      near.length > 0
        ? `It knows ${near.join(', ')}.`
        : `landfall prove ${application} keeps what it sees there from now on.`,
  });
}

/** The delivery of an application by its id or the beginning of one. Throws `not-found` for one of another application. */
export async function findDelivery(
  ledger: Ledger,
  application: string,
  namespace: string | undefined,
  id: string,
): Promise<Delivery> {
  const found = await ledger.deliveries.get(id);
  const right =
    found?.application === application && (namespace === undefined || found.namespace === namespace);
  if (found !== undefined && right) return found;
  throw new LandfallError(
    found === undefined
      ? `The ledger holds no delivery ${id} of ${application}.`
      : `The delivery ${id} is one of ${found.namespace}/${found.application}, not of ${application}.`,
    {
      kind: 'not-found',
      code: 'delivery-unknown',
      object: id,
      hint: `landfall history ${application} lists those it holds.`,
    },
  );
}
