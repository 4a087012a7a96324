import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { LandfallError } from '../../kernel/index.ts';

export interface PodAddress {
  /** Where other pods and probes reach it. */
  readonly ip: string;
  /** What the pod itself knows as localhost. */
  readonly localhost: string;
}

export interface AddressPool {
  /** False where the system has only 127.0.0.1 (macOS): pods share it, one pod per port. */
  readonly separate: boolean;
  node(index: number): string;
  takePod(): PodAddress;
  releasePod(address: PodAddress): void;
  /** The second octet of all its addresses. */
  readonly octet: number;
  takeService(): string;
  /** Notes an address that a Service has from an earlier run. */
  keepService(ip: string): void;
  releaseService(ip: string): void;
  close(): Promise<void>;
}

/** Nothing else listens here; holding it on 127.N.0.1 is what says that 127.N belongs to this cluster. */
const RESERVATION_PORT = 26_017;
const FIRST_OCTET = 16;
const LAST_OCTET = 250;
const POD_THIRDS = { from: 1, to: 111 };
const LOCALHOST_OFFSET = 112;
const SERVICE_THIRDS = { from: 224, to: 254 };

/**
 * Reserves a range 127.N.0.0/16 of loopback addresses for one cluster by really binding a socket in it, so that two
 * clusters on a machine never give out the same address. `wanted`: the range that an earlier run had, and no other.
 * `lasting`: it will be wanted again, so that it is none of those that every other cluster takes first.
 */
export async function reserveAddresses(wanted?: number, lasting = false): Promise<AddressPool> {
  if (wanted !== undefined) return await reserveRange(wanted);
  const count = LAST_OCTET - FIRST_OCTET + 1;
  const first = lasting ? randomInt(count) : 0;
  for (let tried = 0; tried < count; tried++) {
    const octet = FIRST_OCTET + ((first + tried) % count);
    const held = await bind(`127.${octet}.0.1`);
    if (held === 'not-available') return sharedPool();
    if (held !== 'in-use') return separatePool(octet, held);
  }
  throw new LandfallError(
    `No range of loopback addresses is free: port ${RESERVATION_PORT} is taken on all of 127.${FIRST_OCTET}.0.1 to 127.${LAST_OCTET}.0.1.`,
    {
      kind: 'unavailable',
      code: 'no-loopback-range',
      hint: `Stop other clusters, or the program that listens on port ${RESERVATION_PORT} of every address.`,
    },
  );
}

async function reserveRange(octet: number): Promise<AddressPool> {
  const held = await bind(`127.${octet}.0.1`);
  if (held === 'not-available') return sharedPool();
  if (held !== 'in-use') return separatePool(octet, held);
  throw new LandfallError(
    `The addresses 127.${octet}.0.0/16, which the Services of this cluster have, are in use.`,
    {
      kind: 'conflict',
      code: 'loopback-range-in-use',
      object: `127.${octet}.0.0/16`,
      hint: 'Stop the cluster that uses them, or start with another data folder.',
    },
  );
}

function bind(host: string): Promise<Server | 'in-use' | 'not-available'> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve('in-use');
      else if (error.code === 'EADDRNOTAVAIL') resolve('not-available');
      else reject(error);
    });
    server.listen({ host, port: RESERVATION_PORT, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

function separatePool(octet: number, held: Server): AddressPool {
  const prefix = `127.${octet}`;
  const pods = suffixes(POD_THIRDS);
  const services = suffixes(SERVICE_THIRDS);
  return {
    separate: true,
    octet,
    node: (index) => `${prefix}.0.${10 + index}`,
    takePod() {
      const { third, fourth } = pods.take();
      return {
        ip: `${prefix}.${third}.${fourth}`,
        localhost: `${prefix}.${third + LOCALHOST_OFFSET}.${fourth}`,
      };
    },
    releasePod: ({ ip }) => pods.release(ip),
    takeService() {
      const { third, fourth } = services.take();
      return `${prefix}.${third}.${fourth}`;
    },
    keepService: (ip) => services.keep(ip),
    releaseService: (ip) => services.release(ip),
    close: () =>
      new Promise((resolve) => {
        held.close(() => resolve());
      }),
  };
}

function sharedPool(): AddressPool {
  const localhost = '127.0.0.1';
  return {
    separate: false,
    octet: 0,
    node: () => localhost,
    takePod: () => ({ ip: localhost, localhost }),
    releasePod() {},
    takeService: () => localhost,
    keepService() {},
    releaseService() {},
    close: () => Promise.resolve(),
  };
}

/** Hands out third and fourth octets in turn, so that an address comes back as late as possible. */
function suffixes(range: { readonly from: number; readonly to: number }) {
  const size = (range.to - range.from + 1) * 254;
  const taken = new Set<number>();
  let next = 0;
  function indexOf(ip: string): number {
    const [, , third = 0, fourth = 0] = ip.split('.').map(Number);
    return (third - range.from) * 254 + fourth - 1;
  }
  return {
    take() {
      for (let tried = 0; tried < size; tried++) {
        const index = next;
        next = (next + 1) % size;
        if (taken.has(index)) continue;
        taken.add(index);
        return { third: range.from + Math.floor(index / 254), fourth: 1 + (index % 254) };
      }
      throw new LandfallError(`All ${size} addresses of the cluster are in use.`, {
        kind: 'unavailable',
        code: 'addresses-exhausted',
        hint: 'Delete pods or Services, or start another cluster.',
      });
    },
    keep(ip: string) {
      taken.add(indexOf(ip));
    },
    release(ip: string) {
      taken.delete(indexOf(ip));
    },
  };
}
