import { createServer } from 'node:http';

/** An HTTP server with `/health` that ends well: readiness fails first, then what was accepted is finished. */
export function serve(name, handle) {
  let stopping = false;
  const port = Number(process.env.PORT ?? 8080);
  const server = createServer((request, response) => {
    request.resume();
    const { pathname } = new URL(request.url, 'http://localhost');
    if (pathname === '/health') response.writeHead(stopping ? 503 : 200).end();
    else handle(request, response, pathname);
  });
  server.listen(port, () => process.stdout.write(`${name} listens on port ${server.address().port}\n`));
  server.on('error', (error) => {
    process.stdout.write(`${name} cannot listen on port ${port}: ${error.message}\n`);
    process.exit(1);
  });
  const stop = () => {
    if (stopping) return;
    stopping = true;
    setTimeout(
      () => {
        server.close(() => process.exit(0));
        server.closeIdleConnections();
      },
      Number(process.env.DRAIN_MS ?? 500),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
