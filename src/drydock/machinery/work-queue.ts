/** Keys that wait to be worked on, each at most once, one at a time, in macrotasks of their own. */
export class WorkQueue<K> {
  readonly #keys = new Set<K>();
  readonly #work: (key: K) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  #running = false;
  #closed = false;

  constructor(work: (key: K) => Promise<void>, onError: (error: unknown) => void) {
    this.#work = work;
    this.#onError = onError;
  }

  add(key: K): void {
    if (this.#closed) return;
    this.#keys.add(key);
    if (this.#running) return;
    this.#running = true;
    setImmediate(() => void this.#drain());
  }

  close(): void {
    this.#closed = true;
    this.#keys.clear();
  }

  async #drain(): Promise<void> {
    for (const key of this.#keys) {
      this.#keys.delete(key);
      try {
        await this.#work(key);
      } catch (error) {
        this.#onError(error);
      }
      if (this.#closed) break;
    }
    this.#running = false;
  }
}
