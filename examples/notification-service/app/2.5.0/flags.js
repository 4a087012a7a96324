import { call } from './gateway.js';

/**
 * The flags this version was written for. A flag that is not in this list is not used, whatever the service says:
 * nobody has tested what this code does under it.
 */
export const KNOWN_FLAGS = {
  email_open_tracking: { default: false },
  sms_quiet_hours: { default: false },
  sms_provider_v2: { default: false },
};

/** Asks the feature flag service; the answer is `enabled`, `disabled`, `not_found` or `unavailable`. */
export function createFlags({ url, timeoutMs, metrics }) {
  async function ask(flag) {
    try {
      const { status, text } = await call(
        'GET',
        `${url}/flags/${encodeURIComponent(flag)}`,
        undefined,
        timeoutMs,
      );
      if (!Object.hasOwn(KNOWN_FLAGS, flag) || status === 404) return 'not_found';
      if (status !== 200) return 'unavailable';
      return JSON.parse(text).enabled === true ? 'enabled' : 'disabled';
    } catch {
      return 'unavailable';
    }
  }

  return {
    async check(flag) {
      const result = await ask(flag);
      metrics.count('feature_flag_check_total', { flag, result });
      return result;
    },
  };
}
