import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { bits, der, extension, integer, objectId, pem, sequence, set, TRUE, utcTime } from './der.ts';

export interface ServerCertificate {
  /** PEM; it is its own authority, so clients trust it by this very text. */
  readonly certificate: string;
  readonly privateKey: string;
}

function commonName(name: string): Buffer {
  return sequence(set(sequence(objectId('2.5.4.3'), der(0x0c, Buffer.from(name)))));
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

export const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
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
        // For servers, and as the authority of clients: what it is not for, nothing that it signs is for.
        extension('2.5.29.37', false, sequence(objectId('1.3.6.1.5.5.7.3.1'), objectId('1.3.6.1.5.5.7.3.2'))),
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
