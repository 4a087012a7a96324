import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeServerCertificate } from './certificate.ts';
import { integer } from './der.ts';

describe('a certificate made here', () => {
  it.each([
    [[0x05], [0x05]],
    [[0x00, 0x05], [0x05]],
    [
      [0x00, 0x00, 0x80],
      [0x00, 0x80],
    ],
    [[0xff], [0x00, 0xff]],
    [[0x00], [0x00]],
  ])('writes the number %j in its shortest form', (bytes, content) => {
    expect([...integer(Buffer.from(bytes))]).toEqual([0x02, content.length, ...content]);
  });

  it('names this machine, and can be read by OpenSSL', () => {
    const made = new X509Certificate(
      makeServerCertificate(['127.0.0.1', 'localhost'], Date.UTC(2026, 0, 1)).certificate,
    );
    expect(made.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(made.serialNumber).toMatch(/^[0-9A-F]+$/);
  });
});
