import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { investigate } from './answer.ts';
import { artifactOf } from './open.ts';

function ask(files: Readonly<Record<string, string>>) {
  const opened = Object.entries(files).map(([name, text]) => artifactOf(name, text));
  return investigate(
    opened.flatMap(({ artifacts }) => artifacts),
    opened.flatMap(({ unread }) => unread),
  );
}

const HEALTHY = `$ kubectl get deploy,pods,svc,endpoints -n shop
NAME                   READY   UP-TO-DATE   AVAILABLE   AGE
deployment.apps/cart   2/2     2            2           9d

NAME                        READY   STATUS    RESTARTS     AGE
pod/cart-7f6b9c8d5c-2xkqp   1/1     Running   1 (8d ago)   9d
pod/cart-7f6b9c8d5c-9zt7w   1/1     Running   0            9d

NAME           TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE
service/cart   ClusterIP   10.96.12.3   <none>        80/TCP    9d

NAME             ENDPOINTS                         AGE
endpoints/cart   10.244.0.5:8080,10.244.0.6:8080   9d
$ kubectl rollout status deploy/cart -n shop
deployment "cart" successfully rolled out
$ argocd app get cart
Name:               argocd/cart
Project:            default
Namespace:          shop
Repo:               https://git.corp.io/deploy.git
Target:             main
Path:               apps/cart
Sync Policy:        Automated
Sync Status:        Synced to main (4f2e1d0)
Health Status:      Healthy

GROUP  KIND        NAMESPACE  NAME  STATUS  HEALTH   HOOK  MESSAGE
       Service     shop       cart  Synced  Healthy        service/cart unchanged
apps   Deployment  shop       cart  Synced  Healthy        deployment.apps/cart configured
$ kubectl get events -n shop
LAST SEEN   TYPE      REASON      OBJECT                      MESSAGE
9d          Warning   Unhealthy   pod/cart-7f6b9c8d5c-2xkqp   Readiness probe failed: connection refused
$ kubectl logs deploy/cart -n shop --tail 2
{"level":"error","msg":"payment provider timeout, retrying","ts":"2024-11-20T10:00:01Z"}
{"level":"info","msg":"retry ok","ts":"2024-11-20T10:00:02Z"}
$ curl -i http://cart.shop/
HTTP/1.1 200 OK

`;

describe('a folder of a healthy system', () => {
  const answer = ask({ 'all.txt': HEALTHY });
  it('is never called broken, and has no finding, whatever its past and its log say', () => {
    expect(answer.verdict.state).not.toBe('broken');
    expect(answer.findings.filter(({ kind }) => kind === 'cause')).toEqual([]);
  });
  it('is unknown where nothing is shown, and proven only where something is', () => {
    const states = Object.fromEntries(answer.boundaries.map(({ boundary, state }) => [boundary, state]));
    expect(states).toMatchObject({
      artifact: 'unknown',
      intent: 'unknown',
      sync: 'proven',
      health: 'proven',
    });
    expect(answer.verdict.summary).toBe('unproven at artifact');
  });
  it('has nothing left unread', () => {
    expect(answer.unread).toEqual([]);
  });
});

/** What each format has to lead to: boundary of the verdict, and words of the first three titles. */
const CASES: readonly (readonly [
  name: string,
  files: Readonly<Record<string, string>>,
  boundary: string,
  words: RegExp,
])[] = [
  [
    'flux get, with tabs',
    {
      'flux.txt': `$ flux get kustomizations -A
NAMESPACE  \tNAME\tREVISION          \tSUSPENDED\tREADY\tMESSAGE
flux-system\tapps\tmain@sha1:4f2e1d0a\tFalse    \tFalse\tkustomize build failed: accumulating resources: open /tmp/x/deployment.yaml: no such file or directory
`,
    },
    'render',
    /no such file/,
  ],
  [
    'helm history, with tabs',
    {
      'helm.txt': `$ helm history api -n prod
REVISION\tUPDATED                 \tSTATUS    \tCHART    \tAPP VERSION\tDESCRIPTION
2       \tTue Nov 19 10:00:00 2024\tdeployed  \tapi-1.1.0\t1.1.0      \tUpgrade complete
3       \tWed Nov 20 10:00:00 2024\tfailed    \tapi-1.2.0\t1.2.0      \tUpgrade "api" failed: timed out waiting for the condition
`,
    },
    'sync',
    /timed out waiting/,
  ],
  [
    'kubectl argo rollouts get rollout',
    {
      'rollout.txt': `Name:            checkout
Namespace:       shop
Status:          ✖ Degraded
Message:         RolloutAborted: Rollout aborted update to revision 4: Metric "success-rate" assessed Failed due to failed (3) > failureLimit (2)
Strategy:        Canary
  Step:          0/4
Replicas:
  Desired:       4
  Current:       4
  Updated:       0
  Ready:         4
  Available:     4

NAME                            KIND         STATUS        AGE  INFO
⟳ checkout                      Rollout      ✖ Degraded    20d
├──# revision:4
│  └──α checkout-7c9f6d5b4-4-1  AnalysisRun  ✖ Failed      9m   ✔ 2,✖ 3
└──# revision:3
   └──⧉ checkout-6b5d4c3f2      ReplicaSet   ✔ Healthy     20d  stable
`,
    },
    'rollout',
    /success-rate|abort/i,
  ],
  [
    'a log of GitHub Actions',
    {
      'run.log': `2024-11-19T16:40:00.1234567Z ##[group]Run docker build -t registry.corp.io/api:1.2.3 .
2024-11-19T16:42:00.1234567Z #9 ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1
2024-11-19T16:42:02.1234567Z ##[error]Process completed with exit code 1.
`,
    },
    'artifact',
    /npm ci/,
  ],
  [
    'gcloud builds list',
    {
      'builds.txt': `$ gcloud builds list --limit 2
ID                                    CREATE_TIME                DURATION  SOURCE                    IMAGES                       STATUS
1a2b3c4d-0000-1111-2222-333344445555  2024-11-20T10:00:00+00:00  2M3S      corp/api@9f8e7d6c5b4a3f2e  -                            FAILURE
1a2b3c4d-0000-1111-2222-333344445556  2024-11-19T10:00:00+00:00  2M1S      corp/api@1111111222222233  eu.gcr.io/corp/api (+1 more) SUCCESS
`,
    },
    'artifact',
    /build/,
  ],
  [
    'a failed apply and what it left behind',
    {
      'apply.txt': `$ kubectl apply -f manifest.yaml
configmap/checkout-config configured
deployment.apps/checkout configured
The Service "checkout" is invalid: spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive
$ kubectl get deploy checkout -n prod -o wide
NAME       READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES                 SELECTOR
checkout   2/2     2            2           90d   app          corp.io/checkout:2.0   app=checkout
`,
    },
    'sync',
    /99999/,
  ],
  [
    'a table that lost its columns, and its events',
    {
      'web.txt': `kubectl get deploy
NAME READY UP-TO-DATE AVAILABLE AGE
web 3/4 0 3 12d
kubectl get events
LAST SEEN TYPE REASON OBJECT MESSAGE
12s Warning FailedCreate replicaset/web-6d4cf56db6 Error creating: pods "web-6d4cf56db6-8xk2p" is forbidden: exceeded quota: compute, requested: cpu=500m, used: cpu=2, limited: cpu=2
`,
    },
    'health',
    /quota/,
  ],
  [
    'rollout status that ran out of time',
    {
      'status.txt': `$ kubectl rollout status deployment/api -n prod
Waiting for deployment "api" rollout to finish: 1 out of 3 new replicas have been updated...
error: deployment "api" exceeded its progress deadline
`,
    },
    'rollout',
    /progress ?deadline/i,
  ],
  [
    'auth can-i and a refusal',
    {
      'rbac.txt': `$ kubectl auth can-i create deployments -n prod --as system:serviceaccount:ci:deployer
no
$ kubectl apply -f app.yaml -n prod
Error from server (Forbidden): error when creating "app.yaml": deployments.apps is forbidden: User "system:serviceaccount:ci:deployer" cannot create resource "deployments" in API group "apps" in the namespace "prod"
`,
    },
    'sync',
    /cannot create|forbidden|right|may not|permission/i,
  ],
];

describe('formats', () => {
  it.each(CASES)('%s', (_name, files, boundary, words) => {
    const answer = ask(files);
    expect(answer.verdict).toMatchObject({ state: 'broken', boundary });
    const told = answer.findings
      .slice(0, 3)
      .map(({ title, explanation, claims }) =>
        [title, ...explanation, ...claims.map(({ value }) => value)].join(' '),
      )
      .join(' ');
    expect(told).toMatch(words);
  });
});

const SOURCES =
  process.env['LANDFALL_SOURCES'] ?? path.resolve(import.meta.dirname, '../../../shared/sources');

function source(name: string): string | undefined {
  try {
    return readFileSync(path.join(SOURCES, name), 'utf8');
  } catch {
    return undefined;
  }
}

const briefing = source('deploy-that-didnt-deploy.briefing.txt');

describe.skipIf(briefing === undefined)('the deploy that did not deploy', () => {
  const answer = ask({ 'briefing.txt': briefing ?? '' });
  const [first] = answer.findings;
  const text = JSON.stringify(answer);

  it('stopped at intent, with rollout and traffic as consequences', () => {
    expect(answer.verdict).toMatchObject({ state: 'broken', boundary: 'intent' });
    expect(answer.verdict.consequences).toEqual(expect.arrayContaining(['rollout', 'traffic']));
    expect(first?.id).toBe('mutable-reference-moved');
  });

  it('traces digest, version and commit from the push to what runs', () => {
    const values = (attribute: string) =>
      answer.trace
        .find((trace) => trace.attribute === attribute)
        ?.values.map(({ boundary, value }) => `${boundary} ${value}`);
    expect(values('digest')).toContain('artifact sha256:9c4d8e1a...f273');
    expect(values('digest')).toContain('rollout sha256:3e7a9f2b...c841');
    expect(values('version')).toEqual(['artifact 2.5.0', 'traffic 2.3.1']);
    expect(values('commit')).toEqual(['artifact e3b7d9f1', 'traffic b91e4c7a']);
    expect(values('image')).toContain('intent registry.corp.io/notification-service:latest');
  });

  it('reads the kustomization as it was before it lost its indentation, and cites the line of its tag', () => {
    const asked = answer.trace.flatMap(({ values }) => values).find(({ boundary }) => boundary === 'intent');
    expect(asked?.source).toEqual({ artifact: 'briefing.txt', line: 42 });
  });

  it('leaves the pull policy open, gives both mechanisms and the check that decides', () => {
    const why = first?.explanation.join(' ') ?? '';
    expect(why).toMatch(/no pod was created/);
    expect(why).toMatch(/IfNotPresent/);
    expect(why).toMatch(/Revision 16 .*2024-11-20T09:15:03Z, after the push of 2024-11-19T16:45:33Z/);
    expect(answer.missing[0]?.command).toContain('CREATED:.metadata.creationTimestamp');
    expect(answer.missing.map(({ command }) => command).join()).toContain('imagePullPolicy');
  });

  it('sees that the total hides what SMS fails', () => {
    expect(text).toMatch(/35% \(2104 of 5995\)/);
    expect(text).toMatch(/email with 5\.6%/);
    expect(text).toContain('feature_flag_check_total');
  });

  it('says what the system is and who needs whom', () => {
    const names = answer.system.components.map(({ name }) => name);
    for (const name of [
      'Argo CD',
      'Git',
      'Deployment/notification-service',
      'legacy SMS gateway',
      'email gateway',
      'feature-flag service',
      'ci-pipeline',
      'registry.corp.io',
    ])
      expect(names).toContain(name);
    expect(answer.system.dependsOn).toContainEqual(
      expect.objectContaining({ from: 'Deployment/notification-service', to: 'legacy SMS gateway' }),
    );
  });

  it('says of each artifact what it revealed and what misleads', () => {
    expect(answer.decoder.length).toBeGreaterThanOrEqual(4);
    for (const { revealed, misleading } of answer.decoder) {
      expect(revealed).not.toEqual([]);
      expect(misleading).not.toEqual([]);
    }
  });
});
