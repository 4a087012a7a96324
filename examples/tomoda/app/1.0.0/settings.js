/** What the environment says, with the defaults that work in the cluster. */
export function readSettings(env) {
  return {
    port: Number(env.PORT ?? 8080),
    asyncUrl: env.ASYNC_URL ?? 'http://tomoda-async:8080',
    /** How long a process that was told to stop still takes requests. */
    drainMs: Number(env.DRAIN_MS ?? 1000),
    /** How long one message takes. */
    workMs: Number(env.WORK_MS ?? 20),
  };
}
