import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { systemClock } from '../src/kernel/index.ts';

/** Every measurement, by the word that names it on the command line: `npm run bench -- first-passage`. */
const BENCHES: Readonly<Record<string, () => Promise<string>>> = {
  controller: async () => (await import('./controller.ts')).benchController(),
  delivery: async () => (await import('./delivery.ts')).benchDelivery(),
  drydock: async () => (await import('./drydock.ts')).benchDrydock(),
  edits: async () => (await import('./edits.ts')).benchEdits(),
  findings: async () => (await import('./findings.ts')).benchFindings(),
  'first-passage': async () => (await import('./first-passage.ts')).benchFirstPassage(),
  apply: async () => (await import('./apply.ts')).benchApply(),
  investigate: async () => (await import('./investigate.ts')).benchInvestigate(),
  kustomize: async () => (await import('./kustomize.ts')).benchKustomize(),
  registry: async () => (await import('./registry.ts')).benchRegistry(),
  ledger: async () => (await import('./ledger.ts')).benchLedger(),
  updates: async () => (await import('./updates.ts')).benchUpdates(),
};

const RESULTS = path.join(import.meta.dirname, 'RESULTS.md');

/** Replaces one section of RESULTS.md, or adds it. */
function keep(name: string, text: string): void {
  const begin = `<!-- ${name} -->`;
  const end = `<!-- /${name} -->`;
  const before = readFileSync(RESULTS, 'utf8');
  const section = `${begin}\n${text.trim()}\n${end}`;
  const at = before.indexOf(begin);
  const after =
    at < 0
      ? `${before.trimEnd()}\n\n${section}\n`
      : before.slice(0, at) + section + before.slice(before.indexOf(end) + end.length);
  writeFileSync(RESULTS, after);
}

// Node reads every authority of that file at each start, used or not: 40 ms that say nothing of any program here.
delete process.env['NODE_EXTRA_CA_CERTS'];

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  process.stderr.write(
    `There is no bench ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}.\n`,
  );
  process.exitCode = 3;
} else {
  const machine = `${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}, ${new Date(systemClock.now()).toISOString().slice(0, 10)}`;
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (named.length > 0 && !named.includes(name)) continue;
    const text = `${await bench()}\n_${machine}_`;
    process.stdout.write(`${text}\n\n`);
    keep(name, text);
  }
}
