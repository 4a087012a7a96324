import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { investigate, openArtifacts } from '../src/investigate/index.ts';

const MEBIBYTE = 1024 ** 2;

function logLines(bytes: number): string {
  const lines: string[] = [];
  let size = 0;
  for (let at = 0; size < bytes; at += 1) {
    const time = new Date(1_732_096_800_000 + at * 37).toISOString();
    const line =
      at % 5_000 === 0
        ? `${time} ERROR cannot reach the ledger at 10.0.${at % 255}.${at % 199}: connection refused`
        : `${time} INFO request id=${(at * 7919) % 1_000_003} path=/cart/${at} took ${at % 300}ms`;
    lines.push(line);
    size += line.length + 1;
  }
  return lines.join('\n');
}

/** A small incident of four artifacts, another name each time. */
function incident(folder: string, index: number): void {
  const name = `service-${index}`;
  mkdirSync(folder);
  writeFileSync(
    path.join(folder, 'pods.txt'),
    `$ kubectl get pods -n shop\nNAME                          READY   STATUS             RESTARTS      AGE\n${name}-7f6b9c8d5c-2xkqp   0/1     CrashLoopBackOff   6 (45s ago)   7m\n`,
  );
  writeFileSync(
    path.join(folder, 'deployment.yaml'),
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}, namespace: shop}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: ${name}}}\n  template:\n    metadata: {labels: {app: ${name}}}\n    spec:\n      containers: [{name: app, image: "corp.io/${name}:1.${index}.0"}]\n`,
  );
  writeFileSync(path.join(folder, 'app.log'), '2024-11-20T09:20:04Z FATAL missing STRIPE_KEY\n'.repeat(20));
  writeFileSync(
    path.join(folder, 'events.txt'),
    `LAST SEEN   TYPE      REASON    OBJECT                             MESSAGE\n12s         Warning   BackOff   pod/${name}-7f6b9c8d5c-2xkqp   Back-off restarting failed container app\n`,
  );
}

/** `investigate` on 100 MB of logs, and on 200 small folders one after the other. */
export async function benchInvestigate(): Promise<string> {
  const root = mkdtempSync(path.join(tmpdir(), 'landfall-bench-'));
  const signal = new AbortController().signal;
  try {
    const logs = path.join(root, 'logs');
    mkdirSync(logs);
    writeFileSync(path.join(logs, 'app.log'), logLines(100 * MEBIBYTE));
    const heap = process.memoryUsage().rss;
    const started = performance.now();
    const opened = await openArtifacts(logs, signal);
    const answer = investigate(opened.artifacts, opened.unread);
    const large = performance.now() - started;
    const grown = (process.memoryUsage().rss - heap) / MEBIBYTE;
    const folders = Array.from({ length: 200 }, (_, index) => path.join(root, `incident-${index}`));
    for (const [index, folder] of folders.entries()) incident(folder, index);
    const again = performance.now();
    let broken = 0;
    for (const folder of folders) {
      const small = await openArtifacts(folder, signal);
      if (investigate(small.artifacts, small.unread).verdict.state === 'broken') broken += 1;
    }
    const each = (performance.now() - again) / folders.length;
    return `## investigate\n\n| input | time | note |\n| --- | --- | --- |\n| 100 MB of logs | ${(large / 1000).toFixed(1)} s | resident memory grows by ${Math.max(0, grown).toFixed(0)} MiB; ${answer.findings.length} findings |\n| 200 folders of 4 artifacts | ${each.toFixed(1)} ms each | ${broken} of 200 named broken |\n`;
  } finally {
    rmSync(root, { recursive: true });
  }
}
