import { describe, expect, it } from 'vitest';
import { redactLine, redactor } from './redact.ts';

describe('what hides secrets', () => {
  it.each([
    [
      'a token in front of a host',
      'git clone https://0123456789abcdef0123@git.example/x',
      '0123456789abcdef0123',
    ],
    ['the password of curl', 'curl -sk -u admin:s3cret https://x', 's3cret'],
    ['the password of docker login', 'docker login -u bob -p s3cret registry', 's3cret'],
    ['the password of mysql', 'mysql -h db -ps3cret shop', 's3cret'],
    ['the key of a storage account', 'AccountName=a;AccountKey=s3cret==;EndpointSuffix=x', 's3cret'],
    ['the signature of a link', 'GET https://blob.example/c?sv=2020&sig=s3cret%2B 403', 's3cret'],
    ['an age key', 'AGE-SECRET-KEY-1QQQQZZZZ', 'QQQQZZZZ'],
    ['a password of a connection string', 'jdbc:postgresql://db/x?user=a&password=s3cret', 's3cret'],
    ['a value of helm', 'helm upgrade x ./x --set db.password=s3cret', 's3cret'],
  ])('hides %s', (_what, line, secret) => {
    expect(redactLine(line)).not.toContain(secret);
    expect(redactLine(line)).toContain('[redacted]');
  });

  it.each([
    'image: ghcr.io/acme/some-long-repository@sha256:1234567890abcdef',
    'oci://some-long-repository-name@sha256:1234567890abcdef',
    'docker run -u 1000:1000 web',
    'git clone https://user@git.example/x',
    'FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (regcred)',
    'invalid token: expired',
  ])('leaves %s as it is', (line) => {
    expect(redactLine(line)).toBe(line);
  });

  it('hides a private key of PGP from its first line to its last', () => {
    const take = redactor();
    const shown = [
      '-----BEGIN PGP PRIVATE KEY BLOCK-----',
      'lQdGBGN1',
      '-----END PGP PRIVATE KEY BLOCK-----',
    ].map((line) => take(line));
    expect(shown.join('')).not.toContain('lQdGBGN1');
    expect(take('kind: Deployment')).toBe('kind: Deployment');
  });
});
