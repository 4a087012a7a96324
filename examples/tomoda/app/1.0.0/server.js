import { createServer } from 'node:http';
import { createApi } from './api.js';
import { createAsync } from './async.js';
import { readBuildInfo } from './build-info.js';
import { answer } from './http.js';
import { log } from './log.js';
import { createMetrics } from './metrics.js';
import { readSettings } from './settings.js';

const MODES = { api: createApi, async: createAsync };
const mode = process.argv[2] ?? 'api';
if (!Object.hasOwn(MODES, mode)) {
  log('ERROR', `there is no mode ${JSON.stringify(mode)}: api or async`);
  process.exit(2);
}

const settings = readSettings(process.env);
const build = readBuildInfo();
const metrics = createMetrics(build);
const part = MODES[mode]({ settings, metrics });
let stopping = false;

const server = createServer((request, response) => {
  // A client that keeps its connection would go on sending to a process that is about to end.
  if (stopping) response.shouldKeepAlive = false;
  const url = new URL(request.url, 'http://localhost');
  if (request.method === 'GET' && url.pathname === '/health') {
    answer(response, 200, { status: 'ok', mode, version: build.version, commit: build.commit });
    return;
  }
  if (request.method === 'GET' && url.pathname === '/metrics') {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(metrics.text());
    return;
  }
  part.handle(request, response, url).catch((error) => {
    log('ERROR', `${request.method} ${url.pathname}: ${error.message}`);
    answer(response, 500, { error: 'it did not work' });
  });
});

server.on('error', (error) => {
  log('ERROR', `tomoda ${mode} cannot listen on port ${settings.port}: ${error.message}`);
  process.exit(1);
});

server.listen(settings.port, () => {
  log('INFO', `tomoda ${mode} ${build.version} listens on port ${server.address().port}`);
});

/**
 * Kubernetes takes the endpoint away while it tells the process to stop, so requests come for a moment longer. They are
 * answered, /health with them: a readiness that failed here would be a failed request to whoever asks it from outside.
 */
function stop(signal) {
  if (stopping) return;
  stopping = true;
  log('INFO', `${signal}: draining`);
  setTimeout(() => {
    server.close(async () => {
      await part.finish();
      log('INFO', 'everything that was accepted is done');
      process.exit(0);
    });
    // Connections that were busy at this moment are idle from then on.
    setInterval(() => server.closeIdleConnections(), 50);
  }, settings.drainMs);
}

process.on('SIGTERM', () => stop('SIGTERM'));
process.on('SIGINT', () => stop('SIGINT'));
