import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { LandfallError } from '../../kernel/index.ts';
import { channelsOf, declarationsOf, parseLandfallYaml, undeclaredChannels } from './index.ts';

const WHOLE = `apiVersion: landfall.dev/v1
applications:
  comms-notification:
    source: { repository: https://git.corp.io/app.git, image: registry.corp.io/notification-service }
    observe:
      - service: notification-service
        port: 8080
        probe: /health
        buildInfo: { path: /metrics, metric: app_build_info, version: version, commit: commit }
        errors:
          path: /metrics
          metric: notifications_sent_total
          by: [channel]
          failed: { status: failed }
          minimumSamples: 50
          maximumIncrease: 0.05
environments:
  - name: staging
    applications: [comms-staging]
  - name: prod
    applications: [comms-notification]
    notify:
      - { webhook: 'https://hooks.corp.io/landfall?for=prod', secret: HOOK_SECRET }
      - { webhook: HOOK_ADDRESS, secret: { file: /run/secrets/hook } }
      - { slack: SLACK_PROD }
`;

function failure(text: string): LandfallError {
  try {
    parseLandfallYaml(text);
  } catch (error) {
    if (error instanceof LandfallError) return error;
  }
  throw new Error('a LandfallError was expected');
}

describe('landfall.yaml', () => {
  test('says of an application what is built and what users observe', () => {
    expect(declarationsOf(WHOLE, 'comms-notification')).toEqual({
      environment: 'prod',
      source: 'https://git.corp.io/app.git',
      images: ['registry.corp.io/notification-service'],
      observe: [
        {
          service: 'notification-service',
          port: 8080,
          probe: '/health',
          buildInfo: { path: '/metrics', metric: 'app_build_info', version: 'version', commit: 'commit' },
          errors: {
            path: '/metrics',
            metric: 'notifications_sent_total',
            by: ['channel'],
            failed: { status: 'failed' },
            minimumSamples: 50,
            maximumIncrease: 0.05,
          },
        },
      ],
    });
    expect(parseLandfallYaml(WHOLE).environments?.map(({ name }) => name)).toEqual(['staging', 'prod']);
  });

  test('that is not there, or does not name the application, declares nothing', () => {
    const nothing = { environment: undefined, source: undefined, images: [], observe: [] };
    expect(declarationsOf(undefined, 'a')).toEqual(nothing);
    expect(declarationsOf('apiVersion: landfall.dev/v1\n', 'a')).toEqual(nothing);
    expect(declarationsOf(WHOLE, 'toString')).toEqual(nothing);
  });

  test('says how pull requests are opened on a host, and never with its secrets', () => {
    const forge = (text: string) => `apiVersion: landfall.dev/v1\nforges:\n- ${text}\n`;
    const api = 'https://git.corp.io/forge/api/v1';
    expect(
      parseLandfallYaml(forge(`{host: git.corp.io, provider: gitea, api: "${api}", token: GIT_TOKEN}`))
        .forges,
    ).toEqual([{ host: 'git.corp.io', provider: 'gitea', api, token: 'GIT_TOKEN' }]);
    expect(failure(forge('{host: git.corp.io, api: "http://git.corp.io"}')).message).toMatch(/https address/);
    expect(failure(forge('{host: git.corp.io, api: "https://u:p@git.corp.io"}')).message).toMatch(
      /https address/,
    );
    expect(failure(forge('{host: git.corp.io, token: glpat-secret}')).message).toMatch(
      /environment variable/,
    );
    expect(failure(forge('{host: git.corp.io, provider: bitbucket}')).message).toMatch(
      /github or gitlab or gitea/,
    );
  });

  test('says who is told of an environment, and where nobody is', () => {
    const file = parseLandfallYaml(WHOLE);
    expect(channelsOf(file, 'prod')).toEqual([
      { webhook: 'https://hooks.corp.io/landfall?for=prod', secret: 'HOOK_SECRET' },
      { webhook: 'HOOK_ADDRESS', secret: { file: '/run/secrets/hook' } },
      { slack: 'SLACK_PROD' },
    ]);
    for (const name of ['staging', 'toString', undefined]) expect(channelsOf(file, name)).toEqual([]);
    expect(channelsOf(undefined, 'prod')).toEqual([]);
    expect(undeclaredChannels(file)).toEqual(['staging']);
    expect(undeclaredChannels(parseLandfallYaml('apiVersion: landfall.dev/v1\n'))).toEqual([]);
  });

  test('of the example is a valid one', async () => {
    const file = path.resolve(
      import.meta.dirname,
      '../../../examples/notification-service/deployment/landfall.yaml',
    );
    const text = (await readFile(file, 'utf8')).replaceAll('@APP_REPOSITORY@', 'file:///app');
    expect(declarationsOf(text, 'comms-notification')).toMatchObject({
      environment: 'prod',
      images: ['registry.corp.io/notification-service'],
      observe: [{ errors: { minimumSamples: 50 } }],
    });
  });

  test.each([
    [
      'a key with a typing error',
      ['  comms-notification:', '  comms-notification:\n    observes: []'],
      "landfall.yaml:4:5: unknown key 'observes'; did you mean 'observe'?",
    ],
    [
      'one deep inside',
      ['minimumSamples', 'minimumSample'],
      "landfall.yaml:15:11: unknown key 'minimumSample'; did you mean 'minimumSamples'?",
    ],
    [
      'one that is like nothing',
      ['      - { slack: SLACK_PROD }', '      - { slack: SLACK_PROD }\nxyzzy: 1'],
      "landfall.yaml:26:1: unknown key 'xyzzy'; known are apiVersion, applications, ",
    ],
    [
      'the address of a chat in Git',
      ['slack: SLACK_PROD', 'slack: https://hooks.slack.com/services/T0/B0/x'],
      'landfall.yaml:25:',
    ],
    ['a secret in Git', ['secret: HOOK_SECRET', 'secret: hunter2'], 'landfall.yaml:23:'],
    [
      'a missing field',
      ['        port: 8080\n', ''],
      "landfall.yaml:6:9: 'applications.comms-notification.observe.0.port'",
    ],
    [
      'another version',
      ['landfall.dev/v1', 'landfall.dev/v9'],
      "landfall.yaml:1:13: 'apiVersion' must be landfall.dev/v1",
    ],
    ['a path without its slash', ['probe: /health', 'probe: health'], 'landfall.yaml:8:16: '],
    ['a share above one', ['0.05', '5'], 'landfall.yaml:16:28: '],
    ['a label that is no text', ['{ status: failed }', '{ status: 500 }'], 'landfall.yaml:14:29: '],
    ['no label of a failure', ['{ status: failed }', '{}'], 'landfall.yaml:14:19: '],
    [
      'an environment twice',
      ['name: staging', 'name: prod'],
      "landfall.yaml:20:11: the environment 'prod' is already named above",
    ],
    [
      'an application in two environments',
      ['[comms-staging]', '[comms-notification]'],
      "landfall.yaml:21:20: 'comms-notification' is already in the environment 'staging'",
    ],
    ['broken YAML', ['by: [channel]', 'by: [channel'], 'landfall.yaml:14:'],
  ])('with %s is refused at its line and column', (_, [from = '', to = ''], message) => {
    const text = WHOLE.replace(from, to);
    expect(text).not.toBe(WHOLE);
    const error = failure(text);
    expect(error.message).toContain(message);
    expect(error.kind).toBe('invalid-input');
  });

  test('with several mistakes names all of them', () => {
    const error = failure('apiVersion: landfall.dev/v1\na: 1\nb: 2\n');
    expect(error.message.split('\n')).toHaveLength(2);
    expect(error.object).toBe('landfall.yaml:2:1');
  });

  test('that observes nothing of a Service is refused', () => {
    expect(
      failure(
        'apiVersion: landfall.dev/v1\napplications:\n  a:\n    observe:\n      - { service: x, port: http }\n',
      ).message,
    ).toContain("landfall.yaml:5:9: 'applications.a.observe.0': nothing is observed");
  });

  test('that is empty, a list, or two documents is refused', () => {
    for (const text of ['', '- a\n', `${WHOLE}---\na: 1\n`]) expect(failure(text).kind).toBe('invalid-input');
  });

  test('says how the health of a kind is told, and refuses an expression that is none, with its line', () => {
    const text = (current: string, more = '') => `apiVersion: landfall.dev/v1
health:
  - apiVersion: example.com/v1
    kind: Database
    namespace: shop-*
    current: ${current}
    failed: status.phase == 'Dead'
${more}`;
    expect(declarationsOf(text('status.up'), 'any').health).toEqual([
      {
        apiVersion: 'example.com/v1',
        kind: 'Database',
        namespace: 'shop-*',
        current: 'status.up',
        failed: "status.phase == 'Dead'",
      },
    ]);
    expect(failure(text('status.')).message).toMatch(
      /landfall\.yaml:6:\d+: 'health\.0\.current': this is no CEL expression: Expected IDENTIFIER/,
    );
    expect(failure(text('1 + 1')).message).toContain('true or false is wanted');
    expect(failure(text('status.up', '    progress: status.x\n')).message).toContain(
      "unknown key 'progress'; did you mean 'inProgress'?",
    );
    expect(
      failure('apiVersion: landfall.dev/v1\nhealth:\n  - { apiVersion: v1, kind: A }\n').message,
    ).toContain("'health.0.current' is missing");
  });
});
