import type { KeptCase } from './kept-values.ts';

const route = `"type": "array", "x-kubernetes-patch-strategy": "merge"`;
const byHost = `{${route}, "x-kubernetes-patch-merge-key": "host"}`;

function merged(name: string, own: string, given: string, yaml: string): readonly [string, KeptCase] {
  const head = 'apiVersion: edge.example.org/v1\nkind: Router\nmetadata: {name: front}\n';
  return [
    name,
    {
      files: {
        'kustomization.yaml': 'resources: [router.yaml]\npatches: [{path: change.yaml}]\n',
        'router.yaml': head + own,
        'change.yaml': head + given,
      },
      yaml: `apiVersion: edge.example.org/v1\nkind: Router\nmetadata:\n  name: front\n${yaml}`,
    },
  ];
}

const byKey = 'routes:\n- host: b\n  port: 2\n- host: a\n  port: 9\n  tls: true\n';
const replaced = 'routes:\n- host: b\n  port: 2\n- host: a\n  port: 9\n';
const given = 'routes:\n- host: b\n  port: 2\n- host: a\n  port: 9\n';
const own = 'routes:\n- host: a\n  tls: true\n';

/** A comment that is a JSON object is the schema of its field: how two lists are merged depends on it. */
export const keptComments: readonly (readonly [string, KeptCase])[] = [
  merged('a schema behind a key', own.replace(':\n', `: # ${byHost}\n`), given, byKey),
  merged('a schema behind a key of the patch', own, given.replace(':\n', `: ## ${byHost} and more\n`), byKey),
  merged('a schema in the line above a key', `# other\n\n# ${byHost}\n${own}`, given, byKey),
  merged(
    'a schema behind brackets',
    `routes: [\n  {host: a, tls: true} # ]\n] # ${byHost}\n`,
    given,
    'routes:\n- host: b\n  port: 2\n- host: a\n  port: 9\n  tls: true\n',
  ),
  merged('a schema above another comment', `# ${byHost}\n# the routes\n${own}`, given, byKey),
  merged('a schema below another comment', `# the routes\n# ${byHost}\n${own}`, given, replaced),
  merged(
    'a schema with an empty line below it',
    `size: 1\n# ${byHost}\n\n${own}`,
    given,
    `${replaced}size: 1\n`,
  ),
  merged(
    'a schema of a list of texts',
    `names: # {${route}}\n- a\n- b\n`,
    'names:\n- c\n- a\n',
    'names:\n- c\n- a\n- b\n',
  ),
  merged('a comment that says nothing', own.replace(':\n', ': # {}\n'), given, replaced),
  [
    'a note of another tool in the place of a schema: containers are not merged by name then',
    {
      files: {
        'kustomization.yaml': 'resources: [d.yaml]\npatches: [{path: p.yaml}]\n',
        'd.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  template:
    spec:
      containers: # {"$imagepolicy": "flux-system:shop"}
      - name: web
        image: shop
`,
        'p.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec: {template: {spec: {containers: [{name: web, tty: true}]}}}
`,
      },
      yaml: `apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  template:
    spec:
      containers:
      - name: web
        tty: true
`,
    },
  ],
];
