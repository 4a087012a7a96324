import { Agent, request } from 'node:https';
import { getString, parseJson, sleep, systemClock } from '../../src/kernel/index.ts';

/** Where an Ingress is served, and what its certificate is signed by. */
export interface IngressAddress {
  /** `api.tomoda.life` */
  readonly host: string;
  readonly ip: string;
  readonly port: number;
  /** PEM */
  readonly ca: string;
}

export interface LoadReport {
  readonly requests: number;
  /** Requests that were not answered with 200. */
  readonly lost: number;
  /** What became of them, a line for each; the first hundred. */
  readonly why: readonly string[];
  /** Answers by the commit that the process says it was built from. */
  readonly answeredBy: ReadonlyMap<string, number>;
}

export interface Load {
  report(): LoadReport;
  /** Ends after the requests that are under way. */
  stop(): Promise<LoadReport>;
}

const PAUSE_MS = 10;
const TIMEOUT_MS = 15_000;
const KEPT_LINES = 100;

interface Answer {
  readonly status: number;
  readonly text: string;
}

function ask(address: IngressAddress, agent: Agent | false): Promise<Answer> {
  const { host, ip, port, ca } = address;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: ip,
        port,
        servername: host,
        path: '/health',
        headers: { host },
        ca,
        agent,
        timeout: TIMEOUT_MS,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    sent.on('error', reject);
    sent.end();
  });
}

/**
 * Clients that never stop asking `/health` from outside, one request after another: two that keep their connection, as
 * browsers and libraries do, and one that opens a new one each time, as curl does. Nothing is asked twice.
 */
export function startLoad(address: IngressAddress): Load {
  const stopping = new AbortController();
  const why: string[] = [];
  const answeredBy = new Map<string, number>();
  let requests = 0;
  let lost = 0;

  function lose(line: string): void {
    lost += 1;
    if (why.length < KEPT_LINES) why.push(line);
  }

  async function client(agent: Agent | false): Promise<void> {
    while (!stopping.signal.aborted) {
      requests += 1;
      try {
        const { status, text } = await ask(address, agent);
        const commit = status === 200 ? getString(parseJson(text, 'health'), 'commit') : undefined;
        if (commit === undefined) lose(`${status} ${text.slice(0, 200)}`);
        else answeredBy.set(commit, (answeredBy.get(commit) ?? 0) + 1);
      } catch (error) {
        lose(String(error));
      }
      await sleep(systemClock, PAUSE_MS);
    }
    if (agent !== false) agent.destroy();
  }

  const keeping = () => new Agent({ keepAlive: true, maxSockets: 1 });
  const clients = [keeping(), keeping(), false as const].map(client);
  const report = (): LoadReport => ({
    requests,
    lost,
    why: [...why],
    answeredBy: new Map(answeredBy),
  });
  return {
    report,
    async stop() {
      stopping.abort();
      await Promise.all(clients);
      return report();
    },
  };
}
