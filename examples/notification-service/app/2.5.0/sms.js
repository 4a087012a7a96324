import { call } from './gateway.js';
import { logSometimes } from './log.js';

/** Where the SMS gateway takes messages, by provider. */
const PROVIDERS = { legacy: '/legacy/send', v2: '/v2/send' };

/** Hands an SMS to the gateway through the provider that the flag chooses; true when it was taken. */
export function createSms({ url, timeoutMs, flags, providerFlag }) {
  async function provider() {
    const result = await flags.check(providerFlag);
    if (result === 'enabled') return PROVIDERS.v2;
    if (result === 'not_found') {
      logSometimes('WARN', `Feature flag '${providerFlag}' not found — falling back to legacy SMS gateway`);
    }
    return PROVIDERS.legacy;
  }

  return async ({ to, text }) => {
    const { status } = await call('POST', `${url}${await provider()}`, { to, text }, timeoutMs);
    return status === 202;
  };
}
