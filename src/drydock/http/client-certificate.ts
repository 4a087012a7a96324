import { createPrivateKey, createPublicKey, randomBytes, sign, verify, X509Certificate } from 'node:crypto';
import { ECDSA_WITH_SHA256, type ServerCertificate } from './certificate.ts';
import { bits, der, extension, integer, objectId, pem, readDer, sequence, utcTime } from './der.ts';

/** How a request may be signed, by the identifier of the algorithm; null where the key decides. */
const SIGNATURES: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
};
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const LARGEST_REQUEST = 64 * 1024;

interface CertificateRequest {
  /** DER. */
  readonly subject: Buffer;
  readonly publicKey: Buffer;
}

/** Reads a PKCS #10 request and checks that its maker has the key. Throws Error that says what is wrong. */
export function readCertificateRequest(text: string): CertificateRequest {
  const body = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]*?)-----END/.exec(text)?.[1];
  if (body === undefined || text.length > LARGEST_REQUEST) {
    throw new Error('PEM block type must be CERTIFICATE REQUEST');
  }
  const [request] = readDer(Buffer.from(body, 'base64'));
  const [info, algorithm, signature] = readDer(request?.content ?? Buffer.alloc(0));
  const [, subject, publicKey] = readDer(info?.content ?? Buffer.alloc(0));
  const [identifier] = readDer(algorithm?.content ?? Buffer.alloc(0));
  if (info === undefined || subject === undefined || publicKey === undefined || signature === undefined) {
    throw new Error('the certificate request is not one of PKCS #10');
  }
  const known = Object.entries(SIGNATURES).find(([id]) => identifier?.whole.equals(objectId(id)) === true);
  if (known === undefined)
    throw new Error('the certificate request is signed by an algorithm not known here');
  const key = createPublicKey({ key: publicKey.whole, format: 'der', type: 'spki' });
  if (!verify(known[1], info.whole, key, signature.content.subarray(1))) {
    throw new Error('the signature of the certificate request is not by its key');
  }
  return { subject: subject.whole, publicKey: publicKey.whole };
}

/**
 * A certificate by which the maker of `request` is known to the server of `authority`: its subject is taken as it is.
 * PEM. Throws Error for a request that cannot be read.
 */
export function signClientCertificate(
  authority: ServerCertificate,
  request: string,
  now: number,
  lifetimeMs: number,
): string {
  const { subject, publicKey } = readCertificateRequest(request);
  const algorithm = sequence(objectId(ECDSA_WITH_SHA256));
  const issuer = subjectOf(authority.certificate);
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    algorithm,
    issuer,
    sequence(utcTime(now - 300_000), utcTime(now + lifetimeMs)),
    subject,
    publicKey,
    der(
      0xa3,
      sequence(
        extension('2.5.29.15', true, bits(Buffer.from([0xa0]), 5)),
        extension('2.5.29.37', false, sequence(objectId(CLIENT_AUTH))),
        extension('2.5.29.19', true, sequence()),
      ),
    ),
  );
  const signature = sign('sha256', body, createPrivateKey(authority.privateKey));
  return pem('CERTIFICATE', sequence(body, algorithm, bits(signature)));
}

/** The subject of a certificate, DER. */
function subjectOf(certificate: string): Buffer {
  const [whole] = readDer(new X509Certificate(certificate).raw);
  const [body] = readDer(whole?.content ?? Buffer.alloc(0));
  const fields = readDer(body?.content ?? Buffer.alloc(0));
  // Version, serial number, algorithm, issuer, validity, subject.
  const subject = fields[5];
  if (subject === undefined) throw new Error('the certificate of the authority has no subject');
  return subject.whole;
}
