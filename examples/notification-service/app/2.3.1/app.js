import { readBuildInfo } from './build-info.js';
import { createEmail } from './email.js';
import { createFlags } from './flags.js';
import { logSometimes } from './log.js';
import { createMetrics } from './metrics.js';
import { createSms } from './sms.js';

const MAX_BODY = 16 * 1024;
const MAX_IN_FLIGHT = 256;

/** The service without its socket: `handle` answers one request. */
export function createApp(settings) {
  const build = readBuildInfo();
  const metrics = createMetrics(build);
  const timeoutMs = settings.gatewayTimeoutMs;
  const flags = createFlags({ url: settings.flagService, timeoutMs, metrics });
  const channels = {
    email: createEmail({ url: settings.emailGateway, timeoutMs }),
    sms: createSms({ url: settings.smsGateway, timeoutMs, flags, providerFlag: settings.smsProviderFlag }),
  };
  let inFlight = 0;

  async function notify(request, response) {
    const body = await readBody(request);
    if (body === undefined)
      return answer(response, 413, { error: `a notification has at most ${MAX_BODY} bytes` });
    const notification = parse(body);
    if (notification === undefined) {
      return answer(response, 400, {
        error: 'wanted: {"channel": "email" or "sms", "to": "…", "text": "…"}',
      });
    }
    const { channel } = notification;
    let sent = false;
    try {
      sent = await channels[channel](notification);
    } catch (error) {
      logSometimes('ERROR', `The ${channel} gateway did not answer: ${error.message}`);
    }
    metrics.count('notifications_sent_total', { channel, status: sent ? 'success' : 'failed' });
    return answer(response, sent ? 200 : 502, { status: sent ? 'sent' : 'failed' });
  }

  function parse(text) {
    try {
      const value = JSON.parse(text);
      const whole = typeof value?.to === 'string' && typeof value?.text === 'string';
      return whole && Object.hasOwn(channels, value.channel) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  const app = {
    build,
    stopping: false,
    handle(request, response) {
      const { pathname } = new URL(request.url, 'http://localhost');
      if (request.method === 'GET' && pathname === '/health') {
        answer(response, app.stopping ? 503 : 200, { status: app.stopping ? 'stopping' : 'ok' });
        return;
      }
      if (request.method === 'GET' && pathname === '/metrics') {
        response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
        response.end(metrics.text());
        return;
      }
      if (request.method !== 'POST' || pathname !== '/notifications') {
        answer(response, 404, { error: 'not found' });
        return;
      }
      if (inFlight >= MAX_IN_FLIGHT) {
        answer(response, 503, { error: 'too many notifications at once' });
        return;
      }
      inFlight += 1;
      notify(request, response)
        .catch((error) => answer(response, 500, { error: error.message }))
        .finally(() => {
          inFlight -= 1;
        });
    },
  };
  return app;
}

function answer(response, status, body) {
  if (response.headersSent) return;
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
