const MAX_BODY = 16 * 1024;

export function answer(response, status, body) {
  if (response.headersSent) return;
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** A message, or undefined after the request was answered with what is wrong with it. */
export async function readMessage(request, response) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) {
      answer(response, 413, { error: `a message has at most ${MAX_BODY} bytes` });
      return undefined;
    }
    chunks.push(chunk);
  }
  const message = parse(Buffer.concat(chunks).toString('utf8'));
  if (message === undefined) answer(response, 400, { error: 'wanted: {"to": "…", "text": "…"}' });
  return message;
}

function parse(text) {
  try {
    const { to, text: said } = JSON.parse(text);
    return typeof to === 'string' && to !== '' && typeof said === 'string' ? { to, text: said } : undefined;
  } catch {
    return undefined;
  }
}
