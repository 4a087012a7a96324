import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIPv4 } from 'node:net';

export interface ServerCertificate {
  /** PEM; it is its own authority, so clients trust it by this very text. */
  readonly certificate: string;
  readonly privateKey: string;
}

/** A DER value: tag, length, content. */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const size: number[] = [];
  for (let rest = body.length; rest > 0; rest >>>= 8) size.unshift(rest & 0xff);
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length, ...size]), body]);
}

const sequence = (...content: readonly Buffer[]) => der(0x30, ...content);
const set = (...content: readonly Buffer[]) => der(0x31, ...content);
const octets = (content: Buffer) => der(0x04, content);
const bits = (content: Buffer, unused = 0) => der(0x03, Buffer.from([unused]), content);
const TRUE = Buffer.from([0x01, 0x01, 0xff]);

function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const septets = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) septets.unshift((left & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return der(0x06, Buffer.from(bytes));
}

/** DER wants the shortest form: no leading zero but the one that keeps a number positive. */
export function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const shortest = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  return der(0x02, (shortest[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), shortest]) : shortest);
}

function utcTime(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]/g, '');
  // From 2050 on X.509 wants GeneralizedTime.
  return Number(text.slice(0, 4)) >= 2050
    ? der(0x18, Buffer.from(`${text.slice(0, 14)}Z`))
    : der(0x17, Buffer.from(`${text.slice(2, 14)}Z`));
}

function commonName(name: string): Buffer {
  return sequence(set(sequence(objectId('2.5.4.3'), der(0x0c, Buffer.from(name)))));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectId(id), ...(critical ? [TRUE] : []), octets(value));
}

function ipBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string) =>
    text === '' ? [] : text.split(':').map((part) => Number.parseInt(part, 16));
  const front = groups(head);
  const back = groups(tail);
  const all = [...front, ...Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0), ...back];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function alternativeNames(names: readonly string[]): Buffer {
  return sequence(
    ...names.map((name) =>
      /^[\d.]+$/.test(name) || name.includes(':') ? der(0x87, ipBytes(name)) : der(0x82, Buffer.from(name)),
    ),
  );
}

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const DAY = 24 * 60 * 60 * 1000;

/**
 * A certificate for a server that lives as long as this process, signed by its own fresh P-256 key, for the given
 * host names and addresses. Made without a program: about a millisecond. `now` is real time, since clients check it.
 */
export function makeServerCertificate(names: readonly string[], now: number): ServerCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(objectId(ECDSA_WITH_SHA256));
  const subject = commonName('drydock');
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    algorithm,
    subject,
    sequence(utcTime(now - DAY), utcTime(now + 3650 * DAY)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        extension('2.5.29.19', true, sequence(TRUE)),
        // digitalSignature, keyCertSign
        extension('2.5.29.15', true, bits(Buffer.from([0x84]), 2)),
        extension('2.5.29.37', false, sequence(objectId('1.3.6.1.5.5.7.3.1'))),
        extension('2.5.29.17', false, alternativeNames(names)),
      ),
    ),
  );
  const certificate = sequence(body, algorithm, bits(signed(body, privateKey)));
  return {
    certificate: pem('CERTIFICATE', certificate),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function signed(body: Buffer, key: KeyObject): Buffer {
  return sign('sha256', body, key);
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
