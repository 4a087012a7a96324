import { expect, it } from 'vitest';
import { withIndentation } from './lost-indentation.ts';

const MANIFEST = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app: web
spec:
  replicas: 2
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: web
          image: acme/web:1
          env:
            - name: A
              value: "1"
            - name: B
              valueFrom:
                secretKeyRef:
                  name: db
                  key: password
          resources:
            limits:
              memory: 256Mi
        - name: proxy
          image: acme/proxy:1
      volumes:
        - name: settings
          configMap:
            name: web
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  LOG: debug
`;

const lines = (text: string) => text.split('\n').map((each, index) => ({ text: each, line: index + 1 }));

it('puts back what a page took away, line for line', () => {
  const flat = lines(MANIFEST.replaceAll(/^ +/gm, ''));
  const restored = withIndentation(flat);
  expect(restored?.map(({ text }) => text).join('\n')).toBe(MANIFEST);
  expect(restored?.map(({ line }) => line)).toEqual(flat.map(({ line }) => line));
});

it('gives up on what is too long to be a manifest', () => {
  const long = `apiVersion: v1\nkind: ConfigMap\nmetadata:\nname: x\ndata:\n${'key: value\n'.repeat(200_000)}`;
  expect(withIndentation(lines(long))).toBeUndefined();
});

it('leaves alone what has its indentation, and what is no object', () => {
  expect(withIndentation(lines(MANIFEST))).toBeUndefined();
  expect(withIndentation(lines('a: 1\nb: 2\nc: 3\nd: 4\n'))).toBeUndefined();
  expect(withIndentation(lines('Dear all,\nnothing works.\nWhat now?\nAnna\n'))).toBeUndefined();
});
