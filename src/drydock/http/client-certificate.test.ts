import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { certificateRequest } from './certificate-request.fixture.ts';
import { makeServerCertificate } from './certificate.ts';
import { readCertificateRequest, signClientCertificate } from './client-certificate.ts';

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const NOW = Date.UTC(2026, 0, 1);

describe('a certificate for a client', () => {
  it('is signed by the authority, names whom the request names, and is for clients alone', () => {
    const authority = makeServerCertificate(['localhost'], NOW);
    const { publicKey, privateKey } = pair();
    const text = signClientCertificate(
      authority,
      certificateRequest('jane', 'devs', publicKey, privateKey),
      NOW,
      3_600_000,
    );
    const made = new X509Certificate(text);
    const issuer = new X509Certificate(authority.certificate);
    expect(made.subject).toBe('O=devs\nCN=jane');
    expect(made.verify(issuer.publicKey)).toBe(true);
    expect(made.checkIssued(issuer)).toBe(true);
    expect(made.checkPrivateKey(privateKey)).toBe(true);
    expect(made.ca).toBe(false);
    expect(made.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(new Date(made.validTo).getTime()).toBe(NOW + 3_600_000);
  });

  it('is not made for a key that the asker does not have', () => {
    const request = certificateRequest('jane', 'devs', pair().publicKey, pair().privateKey);
    expect(() => readCertificateRequest(request)).toThrow('is not by its key');
  });

  it.each([
    ['no PEM', 'hello'],
    ['PEM of nothing', '-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n'],
    [
      'a value that ends too early',
      '-----BEGIN CERTIFICATE REQUEST-----\nMIIBAA==\n-----END CERTIFICATE REQUEST-----\n',
    ],
    [
      'a length beyond reason',
      '-----BEGIN CERTIFICATE REQUEST-----\nMIj///////8=\n-----END CERTIFICATE REQUEST-----\n',
    ],
  ])('is not made of %s', (_what, text) => {
    expect(() => readCertificateRequest(text)).toThrow(Error);
  });
});
