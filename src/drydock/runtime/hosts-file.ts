import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Target } from './forwarder.ts';

export interface HostsContent {
  /** `name.namespace` to addresses; every longer form of a Service's name is told from it. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** `address:port` to where the cluster listens instead, for ports that only root may open. */
  readonly moved: Readonly<Record<string, Target>>;
}

export interface HostsFile {
  readonly path: string;
  write(content: HostsContent): void;
}

/** The names that programs in pods resolve, replaced as a whole so that no reader sees half of it. */
export function hostsFile(folder: string): HostsFile {
  const file = path.join(folder, 'hosts.json');
  let written = '';
  const write = (content: HostsContent) => {
    const text = JSON.stringify(content);
    if (text === written) return;
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    written = text;
  };
  write({ names: {}, moved: {} });
  return { path: file, write };
}
