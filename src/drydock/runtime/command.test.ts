import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveCommand } from './index.ts';
import { runtimeFixture } from './runtime-fixture.ts';
import type { RuntimeFixture } from './runtime-fixture.ts';

let fixture: RuntimeFixture;

beforeEach(() => {
  fixture = runtimeFixture();
});

afterEach(() => fixture.close());

describe('a command', () => {
  function image(): string {
    const root = path.join(fixture.work.path, 'image');
    mkdirSync(path.join(root, 'app'), { recursive: true });
    mkdirSync(path.join(root, 'usr/bin'), { recursive: true });
    writeFileSync(path.join(root, 'app/main.js'), '');
    writeFileSync(path.join(root, 'usr/bin/tool'), '#!/bin/sh\n', { mode: 0o755 });
    return root;
  }

  it('of node runs with the program that runs the cluster, and its files are those of the image', () => {
    const root = image();
    const command = {
      root,
      argv: ['node', '/app/main.js', '/etc/passwd'],
      workingDir: '/app',
      path: undefined,
    };
    expect(resolveCommand(command)).toEqual({
      program: process.execPath,
      // Not in the image: passed on as it is written.
      args: [path.join(root, 'app/main.js'), '/etc/passwd'],
      cwd: path.join(root, 'app'),
    });
  });

  it('is found on the PATH of the image first', () => {
    const root = image();
    const command = { root, argv: ['tool'], workingDir: '/', path: '/usr/bin' };
    expect(resolveCommand(command).program).toBe(path.join(root, 'usr/bin/tool'));
  });

  it('that the image does not have is refused as containerd refuses it', () => {
    const command = { root: image(), argv: ['/bin/nothing'], workingDir: '/', path: undefined };
    expect(() => resolveCommand(command)).toThrow('exec: "/bin/nothing": no such file or directory');
    expect(() => resolveCommand({ ...command, argv: ['no-such-program'] })).toThrow(
      'executable file not found in $PATH',
    );
    expect(() => resolveCommand({ ...command, workingDir: '/missing' })).toThrow(
      '"/missing" is not a folder',
    );
  });
});
