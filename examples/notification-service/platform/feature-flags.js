import { serve } from './serve.js';

/** Flags that are on, separated by commas; every other one that is listed is off. */
const flags = new Map(
  (process.env.FLAGS ?? 'sms_provider_v2=on,email_open_tracking=off,sms_quiet_hours=off')
    .split(',')
    .map((entry) => {
      const [name, state] = entry.trim().split('=');
      return [name, state === 'on'];
    }),
);

serve('feature-flags', (request, response, pathname) => {
  const name = decodeURIComponent(/^\/flags\/(?<name>[^/]+)$/.exec(pathname)?.groups.name ?? '');
  if (request.method !== 'GET' || !flags.has(name)) response.writeHead(404).end();
  else
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ name, enabled: flags.get(name) }));
});
