import type { Clock, Timer } from '../../kernel/index.ts';
import { asJson, maybeMap, stringAt } from '../kinds/json-access.ts';
import type { Store } from '../store/store.ts';

const TABLE = '/events';
/** As the original's --event-ttl. */
const KEPT = 60 * 60 * 1000;
const EVERY = 60 * 1000;

/** Removes Events that nothing has been added to for an hour. */
export class EventExpiry {
  readonly #store: Store;
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#wait();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #wait(): void {
    this.#timer = this.#clock.after(EVERY, () => {
      this.#sweep();
      this.#wait();
    });
  }

  #sweep(): void {
    const limit = this.#clock.now() - KEPT;
    for (const { namespace, name, object } of this.#store.table(TABLE).sorted()) {
      const event = asJson(object);
      const last =
        stringAt(maybeMap(event, 'series'), 'lastObservedTime') ||
        stringAt(event, 'lastTimestamp') ||
        stringAt(event, 'eventTime') ||
        (object.metadata.creationTimestamp ?? '');
      if (Date.parse(last) < limit) this.#store.remove(TABLE, namespace, name);
    }
  }
}
