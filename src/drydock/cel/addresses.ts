import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';
import type { Environment } from '@marcbachmann/cel-js';
import { celClass } from './values.ts';

class Ip {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

class Cidr {
  readonly address: string;
  readonly bits: number;
  constructor(address: string, bits: number) {
    this.address = address;
    this.bits = bits;
  }
}

const IpNamespace = celClass();

const family = (address: string) => (isIPv4(address) ? 'ipv4' : 'ipv6');

function canonical(text: string): string {
  return new SocketAddress({ address: text, family: family(text) }).address;
}

function isAddress(text: string): boolean {
  // Zones and IPv4 written as IPv6 are refused.
  return isIP(text) !== 0 && !text.includes('%') && !/^::ffff:\d+\./i.test(text);
}

function readIp(text: string): Ip {
  if (!isAddress(text))
    throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
  return new Ip(canonical(text));
}

function readCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const [, address = '', length = ''] = match ?? [];
  const bits = Number(length);
  if (!isAddress(address) || bits > (isIPv4(address) ? 32 : 128)) return undefined;
  return new Cidr(canonical(address), bits);
}

function within(cidr: Cidr, address: string): boolean {
  if (family(address) !== family(cidr.address)) return false;
  return listOf(`${cidr.address}/${cidr.bits}`).check(address, family(address));
}

function listOf(...ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits = '0'] = range.split('/');
    list.addSubnet(address, Number(bits), family(address));
  }
  return list;
}

function masked({ address, bits }: Cidr): Cidr {
  const isFour = isIPv4(address);
  const bytes = isFour ? address.split('.').map(Number) : bytesOfSix(address);
  const kept = bytes.map((byte, index) => {
    const left = Math.min(8, Math.max(0, bits - index * 8));
    return byte & (0xff << (8 - left)) & 0xff;
  });
  if (isFour) return new Cidr(kept.join('.'), bits);
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((kept[index * 2] ?? 0) << 8) | (kept[index * 2 + 1] ?? 0)).toString(16),
  );
  return new Cidr(canonical(groups.join(':')), bits);
}

function bytesOfSix(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const groups = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(':'));
  const front = groups(head);
  const back = groups(tail);
  const middle = Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0');
  return [...front, ...middle, ...back].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

const KINDS: Readonly<Record<string, BlockList>> = {
  isUnspecified: listOf('0.0.0.0/32', '::/128'),
  isLoopback: listOf('127.0.0.0/8', '::1/128'),
  isLinkLocalMulticast: listOf('224.0.0.0/24', 'ff02::/16'),
  isLinkLocalUnicast: listOf('169.254.0.0/16', 'fe80::/10'),
};
const NOT_GLOBAL = listOf(
  '0.0.0.0/32',
  '::/128',
  '127.0.0.0/8',
  '::1/128',
  '224.0.0.0/4',
  'ff00::/8',
  '169.254.0.0/16',
  'fe80::/10',
  '255.255.255.255/32',
);

/** Source: Kubernetes' pkg/cel/library/ip.go and cidr.go. */
export function registerAddresses(env: Environment): void {
  env.registerType('net.IP', Ip);
  env.registerType('net.CIDR', Cidr);
  env.registerType('IpNamespace', IpNamespace);
  env.registerConstant('ip', 'IpNamespace', new IpNamespace());
  env.registerFunction('ip(string): net.IP', readIp);
  env.registerFunction('isIP(string): bool', isAddress);
  env.registerFunction(
    'IpNamespace.isCanonical(string): bool',
    (_namespace: unknown, text: string) => readIp(text).text === text,
  );
  env.registerFunction('net.IP.family(): int', ({ text }: Ip) => (isIPv4(text) ? 4n : 6n));
  for (const [name, list] of Object.entries(KINDS)) {
    env.registerFunction(`net.IP.${name}(): bool`, ({ text }: Ip) => list.check(text, family(text)));
  }
  env.registerFunction(
    'net.IP.isGlobalUnicast(): bool',
    ({ text }: Ip) => !NOT_GLOBAL.check(text, family(text)),
  );
  env.registerFunction('string(net.IP): string', ({ text }: Ip) => text);
  env.registerOperator('net.IP == net.IP', (a: Ip, b: Ip) => a.text === b.text);

  env.registerFunction('cidr(string): net.CIDR', (text: string) => {
    const read = readCidr(text);
    if (read === undefined)
      throw new Error(`network address parse error during conversion from string: ${JSON.stringify(text)}`);
    return read;
  });
  env.registerFunction('isCIDR(string): bool', (text: string) => readCidr(text) !== undefined);
  env.registerFunction('net.CIDR.containsIP(net.IP): bool', (cidr: Cidr, { text }: Ip) => within(cidr, text));
  env.registerFunction('net.CIDR.containsIP(string): bool', (cidr: Cidr, text: string) =>
    within(cidr, readIp(text).text),
  );
  const containsCidr = (outer: Cidr, inner: Cidr | undefined) => {
    if (inner === undefined) throw new Error('network address parse error during conversion from string');
    return inner.bits >= outer.bits && within(outer, inner.address);
  };
  env.registerFunction('net.CIDR.containsCIDR(net.CIDR): bool', containsCidr);
  env.registerFunction('net.CIDR.containsCIDR(string): bool', (outer: Cidr, text: string) =>
    containsCidr(outer, readCidr(text)),
  );
  env.registerFunction('net.CIDR.ip(): net.IP', ({ address }: Cidr) => new Ip(address));
  env.registerFunction('net.CIDR.masked(): net.CIDR', masked);
  env.registerFunction('net.CIDR.prefixLength(): int', ({ bits }: Cidr) => BigInt(bits));
  env.registerFunction('string(net.CIDR): string', ({ address, bits }: Cidr) => `${address}/${bits}`);
  env.registerOperator(
    'net.CIDR == net.CIDR',
    (a: Cidr, b: Cidr) => a.address === b.address && a.bits === b.bits,
  );
}
