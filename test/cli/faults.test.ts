import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getString, parseYaml, systemClock } from '../../src/kernel/index.ts';
import type { JsonValue } from '../../src/kernel/index.ts';
import type { BoundaryReport } from '../../src/boundaries/index.ts';
import type { Proof } from '../../src/verdict/index.ts';
import { openBinary } from './binary.ts';
import { forbidden, openKubeProxy } from './kube-proxy.ts';
import type { KubeProxy } from './kube-proxy.ts';
import { openStage, REGISTRY, workload } from './stage.ts';
import type { Stage } from './stage.ts';

// One cluster, one repository, one controller; every question is asked by the command line.
let stage: Stage;
let proxy: KubeProxy;

const MINUTE = 60_000;
const SECRET = 'hunter2-of-the-shop';
const STACK = /\n\s+at .*:\d+:\d+|This is a bug/;

beforeAll(async () => {
  stage = await openStage();
  proxy = await openKubeProxy(stage.cluster);
  await stage.commit({
    ...workload('good', { mode: 'web', deadline: 600 }),
    'good/secret.yaml': `apiVersion: v1\nkind: Secret\nmetadata: { name: creds }\nstringData: { password: ${SECRET} }\n`,
    'good/kustomization.yaml': 'namespace: good\nresources: [all.yaml, secret.yaml]\n',
    ...workload('exits', { mode: 'exit' }),
    ...workload('never', { mode: 'never' }),
    ...workload('deaf', { mode: 'deaf', grace: 600, deadline: 600 }),
    ...workload('unbuilt', { mode: 'web', image: 'app:9.9.9' }),
    'torn/kustomization.yaml': 'resources: [all.yaml]\n',
    'torn/all.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [torn\n',
    'wrong/kustomization.yaml': 'resources: [absent.yaml]\n',
  });
  await Promise.all(
    ['good', 'exits', 'never', 'deaf', 'unbuilt', 'torn', 'wrong'].map((name) =>
      stage.deliver(name, { path: name }),
    ),
  );
  await stage.deliver('nowhere', { path: 'overlays/nowhere' });
  await stage.deliver('no-repository', { path: '.', repoURL: path.dirname(stage.repository) });
}, MINUTE);

afterAll(async () => {
  await proxy.close();
  await stage.close();
}, MINUTE);

/** Asked through the proxy. */
async function through(args: readonly string[]) {
  const kubeconfig = path.join(stage.home, 'proxy-config');
  await writeFile(kubeconfig, proxy.kubeconfig);
  return stage.run(args, { env: { KUBECONFIG: kubeconfig } });
}

function at(proof: Proof, boundary: string): BoundaryReport | undefined {
  return proof.boundaries.find((report) => report.boundary === boundary);
}

describe('a pod', () => {
  it('that works lands', { timeout: MINUTE }, async () => {
    const { code, proof, err } = await stage.prove('good', ['--wait', '30s']);
    expect([code, proof.verdict.summary, err]).toEqual([0, 'landed', '']);
  });

  it(
    'whose process exits at once is broken at health within its deadline, with the exit',
    { timeout: MINUTE },
    async () => {
      const { code, proof } = await stage.prove('exits', ['--wait', '30s']);
      expect([code, proof.verdict.summary]).toEqual([1, 'stopped at health']);
      expect(at(proof, 'health')?.detail).toMatch(/CrashLoopBackOff|exit 3/);
      expect(at(proof, 'health')?.headline).toBe('0/1 ready');
      expect(at(proof, 'artifact')?.state).toBe('proven');
      const { out } = await stage.run(['prove', 'exits']);
      expect(out).toMatch(/^✗ stopped at health {3}exits → exits/);
    },
  );

  it(
    'that never becomes ready is broken at health within its deadline, and says what the probe got',
    { timeout: MINUTE },
    async () => {
      const { code, proof } = await stage.prove('never', ['--wait', '30s']);
      expect([code, proof.verdict.summary]).toEqual([1, 'stopped at health']);
      expect(at(proof, 'health')?.detail).toMatch(
        /did not progress within its deadline: .* runs and is not ready/,
      );
    },
  );

  it('of an image that was never pushed stops at artifact', { timeout: MINUTE }, async () => {
    const { code, proof } = await stage.prove('unbuilt', ['--wait', '30s']);
    expect([code, proof.verdict.summary]).toEqual([1, 'stopped at artifact']);
    expect(at(proof, 'artifact')?.detail).toContain('9.9.9');
  });

  it(
    'that ignores SIGTERM holds the rollout up for its grace period, and is killed then',
    { timeout: MINUTE },
    async () => {
      expect((await stage.prove('deaf', ['--wait', '30s'])).proof.verdict.summary).toBe('landed');
      const pods = { apiVersion: 'v1', kind: 'Pod', namespace: 'deaf' };
      const [old] = (await stage.kube.list(pods, { namespace: 'deaf' })).items;
      const revision = await stage.commit(workload('deaf', { mode: 'deaf', note: 'second', deadline: 600 }));
      await stage.refresh('deaf');
      const until = async (reached: (proof: Proof) => boolean) => {
        for (;;) {
          const { proof } = await stage.prove('deaf');
          expect(proof.verdict.state).not.toBe('broken');
          if (reached(proof)) return;
        }
      };
      // Its grace outlasts this test, unless somebody shortens it.
      await until((proof) => at(proof, 'rollout')?.reason === 'old-pods-terminating');
      await stage.kube.delete({ ...pods, name: old?.metadata.name ?? '' }, { gracePeriodSeconds: 1 });
      await until(({ verdict, engine }) => verdict.state === 'landed' && engine?.revision === revision);
    },
  );
});

describe('what Git holds', () => {
  it('is told by file, line and column where its YAML does not parse', { timeout: MINUTE }, async () => {
    const { code, proof } = await stage.prove('torn', ['--wait', '2s']);
    expect(at(proof, 'render')).toMatchObject({ state: 'broken' });
    expect([code, proof.verdict.summary]).toEqual([1, 'stopped at render']);
    const { out } = await stage.run(['prove', 'torn']);
    expect(out).toMatch(/torn\/all\.yaml:\d+:\d+/);
    const rendered = await stage.run(['render', path.join(stage.repository, 'torn')]);
    expect([rendered.code, rendered.out]).toEqual([3, '']);
    expect(rendered.err).toMatch(/torn\/all\.yaml:\d+:\d+/);
    expect(rendered.err).not.toMatch(STACK);
  });

  it.each([
    ['wrong', 'render', /absent\.yaml/],
    ['nowhere', 'intent', /overlays\/nowhere/],
  ])('stops %s at %s', { timeout: MINUTE }, async (name, boundary, detail) => {
    const { code, proof } = await stage.prove(name, ['--wait', '2s']);
    expect([code, proof.verdict.summary]).toEqual([1, `stopped at ${boundary}`]);
    expect(at(proof, boundary)?.detail).toMatch(detail);
  });

  it('that is no repository stops at intent, and says what to do', { timeout: MINUTE }, async () => {
    const { code, proof } = await stage.prove('no-repository', ['--wait', '2s']);
    expect([code, proof.verdict.summary]).toEqual([1, 'stopped at intent']);
    expect(at(proof, 'intent')).toMatchObject({
      headline: 'no such repository',
      detail: expect.stringContaining('is not a git repository') as unknown,
    });
    expect((await stage.run(['prove', 'no-repository'])).out).toMatch(/^ {2}Do: \S/m);
    expect((await stage.run(['explain', 'no-repository'])).out).toContain(at(proof, 'intent')?.hint);
  });

  it('is unknown, never red, where its host does not answer', { timeout: MINUTE }, async () => {
    // A controller calls it an error of the Application after three minutes, which this one does not get.
    await stage.deliver('no-host', { path: '.', repoURL: 'https://127.0.0.1:1/deploy.git' });
    const { code, proof } = await stage.prove('no-host');
    expect([code, proof.verdict.state === 'broken']).toEqual([2, false]);
    expect(at(proof, 'intent')).toMatchObject({ state: 'unknown', headline: 'Git not readable' });
    expect(at(proof, 'intent')?.detail).toContain('127.0.0.1:1');
    expect(proof.boundaries.filter((report) => report.state === 'broken')).toEqual([]);
  });

  it('is unknown, never red, on a machine without git', { timeout: MINUTE }, async () => {
    // A process of its own: the controller shares the environment of this one, and has git.
    const landfall = await openBinary();
    try {
      const env = { PATH: '/nowhere', HOME: stage.home, KUBECONFIG: stage.kubeconfig };
      const [json, text, status] = await Promise.all([
        landfall.run(['prove', 'good', '-o', 'json'], { env }),
        landfall.run(['prove', 'good'], { env }),
        landfall.run(['status', 'good'], { env }),
      ]);
      expect([json.code, text.code, status.code]).toEqual([2, 2, 2]);
      expect(at(JSON.parse(json.out) as Proof, 'intent')?.state).toBe('unknown');
      expect(text.out).toContain('Do: Install git and see that it is on PATH.');
    } finally {
      await landfall.remove();
    }
  });
});

describe('a registry that', () => {
  it.each<[string, Parameters<Stage['cluster']['registry']['fail']>[0]['effect'], number, string]>([
    ['answers 401', { type: 'status', status: 401 }, 2, 'unproven at artifact'],
    ['answers 404', { type: 'status', status: 404 }, 1, 'stopped at artifact'],
    ['answers 429', { type: 'status', status: 429, retryAfterSeconds: 1 }, 2, 'unproven at artifact'],
    ['answers 500', { type: 'status', status: 500 }, 2, 'unproven at artifact'],
    ['cuts the connection', { type: 'reset' }, 2, 'unproven at artifact'],
  ])('%s', { timeout: MINUTE }, async (_title, effect, wanted, summary) => {
    const lift = stage.cluster.registry.fail({ effect, times: Number.POSITIVE_INFINITY });
    try {
      const { code, proof } = await stage.prove('good');
      expect([code, proof.verdict.summary]).toEqual([wanted, summary]);
      expect(at(proof, 'artifact')?.detail).toMatch(/\S/);
      expect(at(proof, 'artifact')?.detail).not.toMatch(STACK);
    } finally {
      lift();
    }
  });

  it('is not there leaves the artifact unknown', { timeout: MINUTE }, async () => {
    const { code, proof } = await stage.prove('good', [
      '--registry-mirror',
      `${REGISTRY}=http://127.0.0.1:1`,
    ]);
    expect([code, at(proof, 'artifact')?.state]).toEqual([2, 'unknown']);
    expect(at(proof, 'artifact')?.detail).toContain('127.0.0.1:1');
  });

  it('never answers holds nobody up for good', { timeout: MINUTE }, async () => {
    // Every wait of this person passes twenty times as fast.
    const fast = {
      now: () => systemClock.now(),
      after: (ms: number, call: () => void) => systemClock.after(ms / 20, call),
    };
    const lift = stage.cluster.registry.fail({ effect: { type: 'hang' }, times: Number.POSITIVE_INFINITY });
    try {
      const { code, proof } = await stage.prove('good', [], { clock: fast });
      expect([code, proof.verdict.summary]).toEqual([2, 'unproven at artifact']);
      expect(at(proof, 'artifact')?.detail).toContain('did not answer');
    } finally {
      lift();
    }
  });

  it('refuses a push says why, and no image is remembered as built', { timeout: MINUTE }, async () => {
    const app = path.join(path.dirname(stage.repository), 'app');
    for (const status of [401, 500]) {
      const lift = stage.cluster.registry.fail({
        effect: { type: 'status', status },
        times: Number.POSITIVE_INFINITY,
      });
      const { code, out, err } = await stage.run(['image', 'build', app, '-t', `${REGISTRY}/app:2`]);
      lift();
      expect([code, out]).toEqual([1, '']);
      expect(err).toContain('Do: ');
      expect(err).toContain(String(status));
      expect(err).not.toMatch(STACK);
    }
    await writeFile(path.join(app, 'dirty.js'), '');
    const dirty = await stage.run(['image', 'build', app, '-t', `${REGISTRY}/app:2`]);
    expect([dirty.code, dirty.err]).toEqual([1, expect.stringContaining('changes that are not committed')]);
  });
});

describe('a cluster that', () => {
  it('goes away in the middle is neither green nor red', { timeout: MINUTE }, async () => {
    for (const patience of [4, 8, 12]) {
      let requests = 0;
      proxy.meddle = () => (++requests > patience ? 'cut' : undefined);
      const { code, out } = await through(['prove', 'good', '-o', 'json']);
      proxy.meddle = undefined;
      expect(code).toBe(2);
      // Cut early enough, there is no proof but an error.
      const boundaries = out === '' ? [] : getArray(JSON.parse(out) as JsonValue, 'boundaries');
      expect(boundaries.filter((report) => getString(report, 'state') === 'broken')).toEqual([]);
    }
  });

  it(
    'does not let the pods be read leaves rollout and health unknown, and says which permission',
    { timeout: MINUTE },
    async () => {
      proxy.meddle = (url) =>
        /\/pods(\?|$)/.test(url)
          ? forbidden('pods is forbidden: User "ci" cannot list resource "pods"')
          : undefined;
      const { code, out } = await through(['prove', 'good', '-o', 'json']);
      const text = await through(['prove', 'good']);
      proxy.meddle = undefined;
      const proof = JSON.parse(out) as Proof;
      expect([code, proof.verdict.state]).toEqual([2, 'unproven']);
      expect([at(proof, 'rollout')?.state, at(proof, 'health')?.state]).toEqual(['unknown', 'unknown']);
      expect(text.out).toContain('cannot list resource "pods"');
    },
  );

  it(
    'does not let Applications be read ends with exit code 2 and the permission',
    { timeout: MINUTE },
    async () => {
      proxy.meddle = (url) =>
        url.includes('/applications')
          ? forbidden('applications.argoproj.io is forbidden: User "ci" cannot list resource "applications"')
          : undefined;
      for (const args of [['prove', 'good'], ['status'], ['explain', 'good'], ['trace', 'good']]) {
        const { code, out, err } = await through(args);
        expect([args, code, out]).toEqual([args, 2, '']);
        expect(err).toContain('cannot list resource "applications"');
        expect(err).toContain('Do: Grant the permission');
      }
      proxy.meddle = undefined;
    },
  );

  it('is not meant by this kubeconfig says so', { timeout: MINUTE }, async () => {
    const kubeconfig = path.join(stage.home, 'wrong-config');
    const own = stage.cluster.kubeconfig();
    const cases: readonly (readonly [string, number, RegExp])[] = [
      [own.replace(stage.cluster.token, 'expired'), 2, /Unauthorized[^]*log in again/],
      [own.replace(stage.cluster.url, 'https://127.0.0.1:1'), 2, /connection was refused/],
      [
        own.replace(stage.cluster.url, stage.cluster.registry.url.replace('http:', 'https:')),
        2,
        /protocol|http/,
      ],
      [own.replace(/certificate-authority-data: .*/, ''), 2, /certificate is not trusted/],
      ['{"clusters": [', 3, /wrong-config:1:\d+/],
      ['apiVersion: v1\nkind: Config\n', 3, /No cluster is configured: .*wrong-config names none/],
      ['just text', 3, /wrong-config/],
      [own.replace('current-context: drydock', 'current-context: prod'), 3, /'prod'/],
      ['', 3, /wrong-config/],
    ];
    for (const [text, wanted, sentence] of cases) {
      await writeFile(kubeconfig, text);
      const { code, out, err } = await stage.run(['prove', 'good'], { env: { KUBECONFIG: kubeconfig } });
      expect([text.slice(0, 40), code, out, err]).toEqual([
        text.slice(0, 40),
        wanted,
        '',
        expect.stringMatching(sentence),
      ]);
      expect(err).not.toMatch(STACK);
      expect(err).not.toContain(stage.cluster.token);
      expect(err).toContain('Do: ');
    }
    const context = await stage.run(['prove', 'good', '--context', 'drydok']);
    expect([context.code, context.err]).toEqual([3, expect.stringContaining('drydock')]);
  });
});

describe('a name that is not there', () => {
  it('is answered with the nearest ones', { timeout: MINUTE }, async () => {
    for (const command of ['prove', 'trace', 'explain', 'status']) {
      const { code, out, err } = await stage.run([command, 'god']);
      expect([command, code, out]).toEqual([command, 3, '']);
      expect(err).toMatch(/There is no Application 'god'[^]*Do: Did you mean good/);
    }
    const namespace = await stage.run(['prove', 'good', '-n', 'elsewhere']);
    expect([namespace.code, namespace.err]).toEqual([3, expect.stringContaining('namespace elsewhere')]);
  });

  it('of an attribute or field is answered with those that are', { timeout: MINUTE }, async () => {
    for (const attribute of ['imgae', 'deploy/good:spec.replcas', 'deploy/god:spec.replicas', ':', '']) {
      const { code, out, err } = await stage.run(['trace', 'good', attribute]);
      expect([attribute, code, out]).toEqual([attribute, 3, '']);
      expect(err).toContain('Do: ');
      expect(err).not.toMatch(STACK);
    }
  });
});

describe('a wrong question', () => {
  it.each<[string, string, RegExp]>([
    ['--revision', 'no-such-branch', /has the revision 'no-such-branch'/],
    ['--revision', '--upload-pack=x', /'--upload-pack=x'/],
    ['--image', 'Not An Image', /Not An Image/],
    ['--image', '', /./],
  ])(
    'about %s %j is wrong usage, not a broken delivery',
    { timeout: MINUTE },
    async (flag, value, wanted) => {
      const { code, out, err } = await stage.run(['prove', 'good', `${flag}=${value}`]);
      expect([code, out]).toEqual([3, '']);
      expect(err).toMatch(wanted);
      expect(err).toContain('Do: ');
      expect(err).not.toMatch(STACK);
    },
  );

  it(
    'about another image or commit than the one delivered is answered by the boundary',
    { timeout: MINUTE },
    async () => {
      const image = await stage.prove('good', ['--image', `${REGISTRY}/other:1.0.0`]);
      expect([image.code, image.proof.verdict.summary]).toEqual([1, 'stopped at intent']);
      const commit = await stage.prove('good', ['--revision', '0123456789abcdef0123456789abcdef01234567']);
      expect([commit.code, commit.proof.verdict.summary]).toEqual([1, 'stopped at artifact']);
      const own = await stage.prove('good', ['--revision', 'main']);
      expect([own.code, own.proof.verdict.summary]).toEqual([0, 'landed']);
    },
  );
});

describe('an answer', () => {
  it('parses as JSON and as YAML, and both say the same', { timeout: MINUTE }, async () => {
    const commands: readonly (readonly [readonly string[], object])[] = [
      [
        ['prove', 'good'],
        {
          subject: { name: 'good' },
          verdict: { state: 'landed' },
          boundaries: [{ boundary: 'artifact' }, {}, {}, {}, {}, {}, {}, { boundary: 'traffic' }],
        },
      ],
      [['trace', 'good', 'image'], { rows: [{ boundary: 'artifact' }] }],
      [['explain', 'good'], { application: 'good', verdict: 'landed' }],
      [['status', 'good'], [{ application: 'good', state: 'landed', verdict: 'landed' }]],
    ];
    for (const [args, shape] of commands) {
      const json = await stage.run([...args, '-o', 'json']);
      const yaml = await stage.run([...args, '-o', 'yaml']);
      expect([args, json.code, json.err, yaml.code, yaml.err]).toEqual([args, 0, '', 0, '']);
      const value = JSON.parse(json.out) as Record<string, unknown>;
      expect(value).toMatchObject(Array.isArray(shape) || !('rows' in shape) ? shape : {});
      const [same] = parseYaml(yaml.out, 'answer');
      expect(Object.keys(same as object).toSorted()).toEqual(Object.keys(value).toSorted());
    }
    const markdown = await stage.run(['explain', 'never', '-o', 'markdown']);
    expect(markdown.out).toMatch(/^# stopped at health: never → never\n/);
    const all = await stage.run(['status', '-o', 'json']);
    expect(all.code).toBe(1);
    const rows = JSON.parse(all.out) as readonly { readonly application: string; readonly state: string }[];
    expect(Object.fromEntries(rows.map((row) => [row.application, row.state]))).toMatchObject({
      good: 'landed',
      exits: 'broken',
      torn: 'broken',
      'no-repository': 'broken',
    });
  });

  it('never holds the value of a Secret, changed or not', { timeout: MINUTE }, async () => {
    const values = [SECRET, Buffer.from(SECRET).toString('base64'), 'b3RoZXI=', '"other"'];
    const ask = async (wanted: string) => {
      const asked = await Promise.all(
        [
          ['prove', 'good'],
          ['prove', 'good', '-o', 'json'],
          ['explain', 'good', '-o', 'yaml'],
          ['trace', 'good', 'secret/creds:stringData.password'],
          ['trace', 'good', 'secret/creds:data.password'],
          ['trace', 'good', 'secret/creds:data', '-o', 'json'],
        ].map((args) => stage.run(args)),
      );
      expect(asked[0]?.out).toContain(wanted);
      for (const { out, err } of asked) for (const value of values) expect(out + err).not.toContain(value);
    };
    await ask('landed');
    await stage.kube.patch(
      { apiVersion: 'v1', kind: 'Secret', namespace: 'good', name: 'creds' },
      'merge',
      { data: { password: 'b3RoZXI=' } },
      {},
    );
    await ask('live');
  });

  it('of render is the original by line', { timeout: MINUTE }, async () => {
    const folder = path.join(stage.repository, 'good');
    const { code, out } = await stage.run([
      'render',
      folder,
      '--why',
      'deploy/good:spec.replicas',
      '-o',
      'json',
    ]);
    expect([code, JSON.parse(out)]).toEqual([
      0,
      [
        {
          object: 'Deployment/good',
          field: 'spec.replicas',
          value: 1,
          origins: [{ value: 1, file: 'good/all.yaml', line: 5 }],
        },
      ],
    ]);
    for (const args of [
      ['render', folder, '--why', 'deploy/good:spec.nothing'],
      ['render', folder, '--revision', 'no-such-branch'],
      ['render', path.join(stage.repository, 'nowhere')],
      ['render', path.join(folder, 'all.yaml')],
      ['render', stage.repository],
      ['init', path.dirname(stage.home)],
      ['image', 'build', path.join(stage.home, 'absent'), '-t', 'x'],
      ['image', 'build', stage.home, '-t', 'x'],
      ['image', 'build', stage.repository, '-t', 'UPPER CASE'],
    ]) {
      const ran = await stage.run(args);
      expect([args, ran.code, ran.out, ran.err]).toEqual([args, 3, '', expect.stringContaining('Do: ')]);
      expect(ran.err).not.toMatch(STACK);
    }
  });

  it('does not keep anybody waiting longer than asked', { timeout: MINUTE }, async () => {
    // It looks, waits for what is left of the second, and looks once more; how long a look takes is the machine's affair.
    const lift = stage.cluster.registry.fail({
      effect: { type: 'status', status: 500 },
      times: Number.POSITIVE_INFINITY,
    });
    const requests = async (...flags: string[]) => {
      let count = 0;
      proxy.meddle = (url) => void (count += url.includes('/applications/good') ? 1 : 0);
      const { code } = await through(['prove', 'good', ...flags]);
      expect(code).toBe(2);
      return count;
    };
    try {
      const once = await requests();
      expect(once).toBeGreaterThan(0);
      expect(await requests('--wait', '1s')).toBeLessThanOrEqual(3 * once);
    } finally {
      proxy.meddle = undefined;
      lift();
    }
  });
});
