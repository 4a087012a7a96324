import { createServer } from 'node:http';
import { createApp } from './app.js';
import { log } from './log.js';
import { readSettings } from './settings.js';

const settings = readSettings(process.env);
const app = createApp(settings);
const server = createServer((request, response) => app.handle(request, response));
const port = settings.port;

server.listen(port, () => {
  log('INFO', `notification-service ${app.build.version} listens on port ${server.address().port}`);
});

server.on('error', (error) => {
  log('ERROR', `notification-service cannot listen on port ${port}: ${error.message}`);
  process.exit(1);
});

function stop(signal) {
  if (app.stopping) return;
  // Readiness fails first; requests that are still routed here are answered until the endpoint is gone.
  app.stopping = true;
  log('INFO', `${signal}: finishing what was accepted`);
  setTimeout(() => {
    server.close(() => process.exit(0));
    // Connections that were busy at this moment are kept open by their clients, and idle from then on.
    setInterval(() => server.closeIdleConnections(), 50);
  }, settings.drainMs);
}

process.on('SIGTERM', () => stop('SIGTERM'));
process.on('SIGINT', () => stop('SIGINT'));
