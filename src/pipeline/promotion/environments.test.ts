import { describe, expect, test } from 'vitest';
import { parseLandfallYaml } from '../landfall-yaml/index.ts';
import { environmentNamed, environmentsOf, placeOf } from './environments.ts';

const FILE = parseLandfallYaml(`apiVersion: landfall.dev/v1
environments:
  - name: dev
    applications: [tomoda]
  - name: production
    applications: [prod-tomoda]
    promotion: { from: dev, soak: 30m, windows: [{ days: [mon], from: "09:00", to: "17:00", timeZone: Europe/Berlin }] }
`);

function check(name: string, path: string, more: { readonly values?: string; readonly to?: string } = {}) {
  const application = {
    name,
    path,
    valueFiles: more.values === undefined ? [] : [more.values],
    destination: more.to ?? 'default',
  };
  const { family, environment } = placeOf(application, undefined);
  return `${family} in ${environment}`;
}

describe('an application has its place', () => {
  test.each([
    ['payment-api-staging', 'apps/payment-api/overlays/staging', 'payment-api in staging'],
    ['payment-api-eu', 'apps/payment-api/overlays/eu', 'payment-api in eu'],
    ['prod-tomoda', 'k8s/apps/tomoda/overlays/prod', 'tomoda in prod'],
    ['tomoda', 'k8s/apps/tomoda/overlays/dev', 'tomoda in dev'],
    ['shop-qa', 'platform/clusters/qa/shop', 'shop in qa'],
    ['staging', 'apps/shop/overlays/staging', 'shop in staging'],
    ['comms-notification', 'k8s/overlays/prod', 'comms-notification in prod'],
  ])('%s at %s', (name, path, wanted) => {
    expect(check(name, path)).toBe(wanted);
  });

  test('by the value file of its chart, its name, its namespace', () => {
    expect(check('shop', 'charts/shop', { values: '../environments/staging-values.yaml' })).toBe(
      'shop in staging',
    );
    expect(check('shop', 'charts/shop', { values: '../environments/qa/values.yaml' })).toBe('shop in qa');
    expect(check('shop-prod', 'charts/shop')).toBe('shop in prod');
    expect(check('shop', 'charts/shop', { to: 'shop-dev' })).toBe('shop in dev');
  });

  test('as landfall.yaml declares it', () => {
    const at = (name: string) => placeOf({ name, path: 'x', valueFiles: [], destination: 'default' }, FILE);
    expect(at('prod-tomoda')).toEqual({ family: 'tomoda', environment: 'production', declared: true });
    expect(at('tomoda')).toEqual({ family: 'tomoda', environment: 'dev', declared: true });
  });
});

describe('environments', () => {
  test('stand in the order that is declared, with what comes before', () => {
    expect(environmentsOf(FILE, ['production', 'dev', 'load']).map(({ name, from }) => [name, from])).toEqual(
      [
        ['dev', undefined],
        ['production', 'dev'],
        ['load', undefined],
      ],
    );
    expect(environmentsOf(FILE, [])[1]?.policy.soak).toBe(1_800_000);
  });

  test('stand in the usual order where nothing is declared', () => {
    expect(
      environmentsOf(undefined, ['prod', 'eu', 'dev', 'staging']).map(({ name, from }) => [name, from]),
    ).toEqual([
      ['dev', undefined],
      ['staging', 'dev'],
      ['eu', 'staging'],
      ['prod', 'eu'],
    ]);
  });

  test('are found by another name of the same', () => {
    const all = environmentsOf(FILE, []);
    expect(environmentNamed('prod', all)?.name).toBe('production');
    expect(environmentNamed('staging', all)).toBeUndefined();
  });

  test('that a promotion comes from and that are not there are refused', () => {
    const file = parseLandfallYaml(
      'apiVersion: landfall.dev/v1\nenvironments:\n  - name: dev\n  - { name: prod, promotion: { from: dve } }\n',
    );
    expect(() => environmentsOf(file, [])).toThrow("from 'dve', which is no environment");
  });

  test.each([
    ['soak: soon', 'a duration'],
    ['style: file', 'version file'],
    ['windows: [{ from: "09:00" }]', 'wanted together'],
    ['windows: [{ timeZone: Europe/Atlantis }]', 'time zone'],
    ['checks: [{ name: x }]', 'a check is'],
    ['approvals: { count: 0 }', 'Too small'],
    ['feilds: [images]', "did you mean 'fields'"],
  ])('refuse %s', (text, message) => {
    const file = `apiVersion: landfall.dev/v1\nenvironments:\n  - name: prod\n    promotion: { ${text} }\n`;
    expect(() => parseLandfallYaml(file)).toThrow(message);
  });
});
