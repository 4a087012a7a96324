import type { Clock, Timer } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { cutOff } from '../faults/index.ts';
import { selectionOf, seenChange, selectEntries } from '../machinery/reads.ts';
import { asServed } from '../machinery/object-meta.ts';
import { expired, statusBody } from '../machinery/status-errors.ts';
import { apiVersionOf, type ResourceKind } from '../kinds/kind.ts';
import type { Change } from '../store/entry.ts';
import type { Store } from '../store/store.ts';
import { isTrue, type Exchange } from './exchange.ts';
import { eventBytes } from './item-bytes.ts';
import { readRevision, tooLargeRevision } from './pages.ts';
import { tableOf } from '../tables/table.ts';
import { wantsTable } from './negotiation.ts';

/** A watcher that has this much unread is dropped: it lists again. */
const MAX_UNREAD = 8 * 1024 * 1024;
/** What there is at first is told no faster than it is read: this much may wait to be sent. */
const MAX_AHEAD = 1024 * 1024;
/** A client that reads nothing of it for so long is dropped. */
const LONGEST_PAUSE = 60_000;
const BOOKMARK_EVERY = 60_000;
const DEFAULT_TIMEOUT = 30 * 60_000;
const MAX_TIMEOUT = 24 * 60 * 60_000;

/** GET with `watch=true`. Returns once the stream has begun; it ends by its timeout or with its client. */
export function serveWatch(
  exchange: Exchange,
  store: Store,
  kind: ResourceKind,
  namespace: string | undefined,
  clock: Clock,
): void {
  const { query, response, signal } = exchange;
  const selection = selectionOf(kind, {
    ...(namespace === undefined ? {} : { namespace }),
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
  });
  const wanted = readRevision(query.get('resourceVersion')) ?? 0;
  const current = store.revision;
  if (wanted > current) throw tooLargeRevision(wanted, current);
  const initialEvents = isTrue(query.get('sendInitialEvents'));
  const bookmarks = isTrue(query.get('allowWatchBookmarks'));
  const asTable = wantsTable(exchange);
  const include = query.get('includeObject');

  // Without the headers at once, clients that wait for the first event hang beyond their timeout.
  response.writeHead(200, { 'Cache-Control': 'no-cache, private', 'Content-Type': 'application/json' });
  response.flushHeaders();

  let ended = false;
  const timers = new Set<Timer>();
  let stop = () => {};
  let firstTable = true;
  const end = () => {
    if (ended) return;
    ended = true;
    stop();
    for (const timer of timers) timer.cancel();
    fate.stop();
    signal.removeEventListener('abort', end);
    response.end();
  };
  const refuse = (oldest: number) => {
    const status = statusBody(expired(`too old resource version: ${wanted} (${oldest})`));
    send(Buffer.from(`${JSON.stringify({ type: 'ERROR', object: status })}\n`));
    end();
  };
  const fate = exchange.watching({
    end(how) {
      if (how === 'expired') refuse(store.revision);
      else if (how === 'close') end();
      else cutOff(exchange.request);
    },
  });
  const send = (bytes: Buffer) => {
    if (ended) return;
    response.write(bytes);
    if (response.writableLength <= MAX_UNREAD) return;
    response.destroy();
    end();
  };
  const tell = (type: string, object: KubeObject) => {
    const served = asServed(kind, object);
    if (!asTable) {
      send(eventBytes(type, served));
      fate.sent();
      return;
    }
    const table = tableOf(
      kind,
      [served],
      { resourceVersion: served.metadata.resourceVersion ?? '' },
      include,
      clock.now(),
    );
    // Only the first Table of a watch names its columns.
    if (!firstTable) table.columnDefinitions = null;
    firstTable = false;
    send(Buffer.from(`${JSON.stringify({ type, object: table })}\n`));
    fate.sent();
  };
  /** Set when everything up to now was told: only then may a bookmark say so. */
  let following = false;
  const bookmark = (revision: number, initialEnd: boolean) => {
    const object = {
      kind: kind.kind,
      apiVersion: apiVersionOf(kind),
      metadata: {
        resourceVersion: String(revision),
        creationTimestamp: null,
        ...(initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
      },
    };
    send(Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`));
  };
  const onChange = (change: Change) => {
    const seen = seenChange(change, selection);
    if (seen !== undefined) tell(seen.type, seen.object);
  };

  signal.addEventListener('abort', end);
  if (signal.aborted) {
    end();
    return;
  }
  const table = store.table(kind.table);
  const readOn = (): Promise<void> | undefined => {
    if (response.writableLength <= MAX_AHEAD || ended) return undefined;
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        timers.delete(timer);
        response.off('drain', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = clock.after(LONGEST_PAUSE, () => {
        response.destroy();
        done();
      });
      timers.add(timer);
      response.once('drain', done);
      signal.addEventListener('abort', done, { once: true });
    });
  };
  /** What there is, what changed meanwhile, and then every change as it comes. */
  const begin = async () => {
    let told = wanted;
    if (wanted === 0 || initialEvents) {
      told = current;
      for (const entry of selectEntries(table.sorted(), selection)) {
        tell('ADDED', entry.object);
        const pause = readOn();
        if (pause !== undefined) await pause;
        if (ended) return;
      }
      if (initialEvents && bookmarks) bookmark(told, true);
    }
    while (told < store.revision) {
      const missed = table.changesAfter(told);
      if (missed === undefined) {
        refuse(table.compactedAt);
        return;
      }
      told = store.revision;
      for (const change of missed) {
        onChange(change);
        const pause = readOn();
        if (pause !== undefined) await pause;
        if (ended) return;
      }
    }
    stop = store.listen(kind.table, onChange, told);
    following = true;
  };
  begin().catch(() => {
    response.destroy();
    end();
  });
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  const timeout = seconds > 0 ? Math.min(seconds * 1000, MAX_TIMEOUT) : DEFAULT_TIMEOUT;
  timers.add(
    clock.after(timeout, () => {
      if (bookmarks && following) bookmark(store.revision, false);
      end();
    }),
  );
  if (!bookmarks) return;
  const again = () => {
    const timer = clock.after(BOOKMARK_EVERY, () => {
      timers.delete(timer);
      if (following) bookmark(store.revision, false);
      again();
    });
    timers.add(timer);
  };
  again();
}
