import type { CliIo } from '../io.ts';

const STEPS: Readonly<Record<string, string>> = {
  application: 'finding the Application',
  git: 'fetching the tracked revision',
  render: 'rendering',
  registry: 'asking the registry',
  cluster: 'reading the cluster',
  traffic: 'looking at what users get',
};

/** What is being done, on one line of a terminal that goes away with the answer; silent in a pipe and with -q. */
export function progressLine(
  io: CliIo,
  quiet: boolean,
): { readonly step: (name: string) => void; readonly clear: () => void } {
  if (quiet || io.errTerminal.isTTY !== true) return { step: () => {}, clear: () => {} };
  return {
    step: (name) => io.err(`\r\u001B[2K… ${STEPS[name] ?? name}`),
    clear: () => io.err('\r\u001B[2K'),
  };
}
