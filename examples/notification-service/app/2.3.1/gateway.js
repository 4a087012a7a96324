import http from 'node:http';

const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });

/** One JSON request; resolves with status and body, rejects when there is no answer in time. */
export async function call(method, url, body, timeoutMs) {
  try {
    return await attempt(method, url, body, timeoutMs);
  } catch (error) {
    // A kept connection may have been closed by the other side at the moment it was used.
    if (error.code === 'ECONNRESET' && error.reusedSocket) return attempt(method, url, body, timeoutMs);
    throw error;
  }
}

function attempt(method, url, body, timeoutMs) {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const request = http.request(url, {
      method,
      agent,
      timeout: timeoutMs,
      headers:
        text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on('error', (error) => reject(Object.assign(error, { reusedSocket: request.reusedSocket })));
    request.on('response', (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    request.end(text);
  });
}
