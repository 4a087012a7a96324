import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { investigate } from './answer.ts';
import { artifactOf, openArtifacts } from './open.ts';

const root = mkdtempSync(path.join(tmpdir(), 'landfall-artifacts-'));
afterAll(() => rmSync(root, { recursive: true }));
const never = new AbortController().signal;

const SECRETS = [
  'hunter2hunter2',
  'aHVudGVyMmh1bnRlcjI=',
  'c2VjcmV0c2VjcmV0',
  `AKIA${'A'.repeat(16)}`,
  `ghp_${'a1'.repeat(18)}`,
  `xoxb-${'1'.repeat(12)}-abcdef`,
  `AIza${'Sy1'.repeat(12)}`,
  'abcdefghijklmnop1234567890',
  'MIIEpAIBAAKCAQEA1234567890',
  'dXNlcjpwYXNzd29yZA',
];

const SECRET_TEXT = `$ curl -v -H 'Authorization: Bearer ${SECRETS[7] ?? ''}' https://user:${SECRETS[0] ?? ''}@shop.corp.io/
< HTTP/1.1 503 Service Unavailable
$ kubectl logs api-7d4b9c6f5-x2x8k
2024-11-20T09:20:04Z ERROR cannot connect to postgres://app:${SECRETS[0] ?? ''}@db:5432/pay password=${SECRETS[0] ?? ''}
2024-11-20T09:20:04Z ERROR AWS ${SECRETS[3] ?? ''} and ${SECRETS[4] ?? ''} and ${SECRETS[5] ?? ''} and ${SECRETS[6] ?? ''}
2024-11-20T09:20:04Z ERROR {"auth":"${SECRETS[9] ?? ''}"}
$ cat key.pem
-----BEGIN RSA PRIVATE KEY-----
${SECRETS[8] ?? ''}
-----END RSA PRIVATE KEY-----
`;

const SECRET_YAML = `apiVersion: v1
kind: Secret
metadata: {name: db, namespace: pay, uid: x}
data:
  password: ${SECRETS[1] ?? ''}
  .dockerconfigjson: ${SECRETS[2] ?? ''}
---
apiVersion: v1
data:
  tls.key: ${SECRETS[2] ?? ''}
kind: Secret
metadata: {name: tls}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: pay}
spec:
  template:
    spec:
      containers:
      - name: api
        image: corp.io/api:1.0.0
        env:
        - name: DB_PASSWORD
          value: ${SECRETS[0] ?? ''}
`;

describe('hostile folders', () => {
  it('lists what is no text, archives and links, and follows none of them', async () => {
    const folder = path.join(root, 'odd');
    mkdirSync(path.join(folder, '.git'), { recursive: true });
    writeFileSync(
      path.join(folder, 'core.bin'),
      Buffer.from(Array.from({ length: 4000 }, (_, index) => (index * 7919) % 251)),
    );
    writeFileSync(path.join(folder, 'logs.tar.gz'), gzipSync('x'.repeat(10_000)));
    writeFileSync(path.join(folder, 'empty.txt'), '');
    symlinkSync('/etc', path.join(folder, 'link'));
    const { artifacts, unread } = await openArtifacts(folder, never);
    expect(artifacts.map(({ name }) => name)).toEqual(['empty.txt']);
    expect(unread.map(({ artifact, why }) => `${artifact}: ${why}`)).toEqual([
      '.git: a folder of tools, not entered',
      'link: a symbolic link, not followed',
      'core.bin: no text',
      'logs.tar.gz: an archive, not unpacked',
    ]);
  });

  it('reads two bytes a letter, Windows line ends and colours', async () => {
    const folder = path.join(root, 'encodings');
    mkdirSync(folder);
    const table =
      'NAME   READY   UP-TO-DATE   AVAILABLE   AGE\r\nweb    1/2     2            1           3d\r\n';
    writeFileSync(
      path.join(folder, 'utf16.txt'),
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(table, 'utf16le')]),
    );
    writeFileSync(
      path.join(folder, 'ansi.txt'),
      '\u001B[32m$\u001B[0m kubectl get pods -n x\n\u001B[1mNAME   READY   STATUS   RESTARTS   AGE\u001B[0m\nweb-1   0/1   \u001B[31mError\u001B[0m   0   3m\n',
    );
    const { artifacts, unread } = await openArtifacts(folder, never);
    const answer = investigate(artifacts, unread);
    expect(JSON.stringify(answer)).toContain('1 of 2');
    expect(JSON.stringify(answer)).toContain('web-1');
    expect(answer.unread).toEqual([]);
  });

  it('keeps of a large log its edges and the ends of every shape, with their own line numbers', () => {
    const lines = Array.from(
      { length: 250_000 },
      (_, index) => `2024-11-20T10:00:00Z INFO request id=${index} took ${index % 300}ms`,
    );
    lines[170_000] = '2024-11-20T10:00:00Z ERROR cannot reach the ledger';
    const { artifacts, unread } = artifactOf('app.log', lines.join('\n'));
    const [artifact] = artifacts;
    expect(artifact?.text.length).toBeLessThan(200_000);
    const at = artifact?.text.split('\n').findIndex((line) => line.includes('ledger')) ?? -1;
    expect(artifact?.numbers?.[at]).toBe(170_001);
    expect(unread[0]?.why).toMatch(/^250000 lines, of which \d+ were read/);
  });

  it('reads prose and broken YAML of many lines in time that grows with them', () => {
    const prose = 'a line of prose without any meaning here\n'.repeat(60_000);
    const yaml = `kind: Deployment\nmetadata:\n${'  name: [\n\n'.repeat(30_000)}`;
    const answer = investigate([
      ...artifactOf('a.txt', prose).artifacts,
      ...artifactOf('b.yaml', yaml).artifacts,
    ]);
    expect(answer.findings).toEqual([]);
  });

  it('reads descriptions and events of any number', () => {
    const container = 'web:\nImage: x\nState: Waiting\nReason: CrashLoopBackOff\n';
    const event = 'Warning  BackOff  5s  kubelet  Back-off restarting failed container\n';
    const answer = investigate([
      ...artifactOf('a.txt', `Name: x\nNamespace: y\nContainers:\n${container.repeat(40_000)}`).artifacts,
      ...artifactOf('b.txt', event.repeat(30_000)).artifacts,
    ]);
    expect(answer.findings.length).toBeLessThan(13);
  }, 60_000);

  it('shows no secret in any part of the answer', async () => {
    const folder = path.join(root, 'secrets');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'out.txt'), SECRET_TEXT);
    writeFileSync(path.join(folder, 'objects.yaml'), SECRET_YAML);
    writeFileSync(
      path.join(folder, 'notes.md'),
      SECRET_TEXT.replaceAll('$ ', 'nothing that anybody understands '),
    );
    const { artifacts, unread } = await openArtifacts(folder, never);
    const shown = JSON.stringify([artifacts, investigate(artifacts, unread)]);
    for (const secret of SECRETS) expect(shown).not.toContain(secret);
    expect(shown).toContain('corp.io/api:1.0.0');
    expect(shown).toContain('503');
  });

  it('says what to do where there is nothing to read', async () => {
    await expect(openArtifacts(path.join(root, 'absent'), never)).rejects.toMatchObject({
      kind: 'invalid-input',
      code: 'artifacts-unreadable',
    });
  });
});
