/** What a command answers to the shell. */
export const EXIT = {
  /** Landed, or done. */
  ok: 0,
  /** Broken, or the command failed. */
  broken: 1,
  /** Not proven in time: nothing contradicts it. */
  unproven: 2,
  /** Wrong usage; nothing was started. */
  usage: 3,
  interrupted: 130,
  /** Whoever read the output went away before there was an answer: as other programs that SIGPIPE ends. */
  readerGone: 141,
} as const;
