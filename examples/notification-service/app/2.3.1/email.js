import { call } from './gateway.js';

/** Hands an e-mail to the gateway; true when it was taken. */
export function createEmail({ url, timeoutMs }) {
  return async ({ to, text }) => {
    const { status } = await call('POST', `${url}/send`, { to, text }, timeoutMs);
    return status === 202;
  };
}
