/** What the environment says, with the defaults that work in the cluster. */
export function readSettings(env) {
  return {
    port: Number(env.PORT ?? 8080),
    emailGateway: env.EMAIL_GATEWAY_URL ?? 'http://email-gateway:8080',
    smsGateway: env.SMS_GATEWAY_URL ?? 'http://sms-gateway:8080',
    flagService: env.FLAG_SERVICE_URL ?? 'http://feature-flags:8080',
    /** The flag that decides which SMS provider is used. */
    smsProviderFlag: env.SMS_PROVIDER_FLAG ?? 'sms_provider_v2',
    gatewayTimeoutMs: Number(env.GATEWAY_TIMEOUT_MS ?? 2000),
    drainMs: Number(env.DRAIN_MS ?? 500),
  };
}
