import * as fc from 'fast-check';
import { extra } from './random-parts.ts';

/** What says which fields of custom resources are special. */

export const crds = fc.subarray(['annotation', 'label', 'ref', 'identity'], { minLength: 1 }).map((marks) =>
  extra(
    { crds: ['crd.json'] },
    {
      'crd.json': JSON.stringify({
        'example.com/v1.Widget': {
          Schema: {
            description: 'Widget',
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: { $ref: 'example.com/v1.WidgetSpec' },
            },
          },
          Dependencies: [],
        },
        'example.com/v1.WidgetSpec': {
          Schema: {
            description: 'spec',
            ...(marks.includes('identity') ? { 'x-kubernetes-identity': '' } : {}),
            properties: {
              a: {
                type: 'object',
                ...(marks.includes('annotation') ? { 'x-kubernetes-annotation': '' } : {}),
              },
              b: {
                type: 'object',
                ...(marks.includes('label') ? { 'x-kubernetes-label-selector': '' } : {}),
              },
              z1: {
                ...(marks.includes('ref')
                  ? {
                      'x-kubernetes-object-ref-api-version': 'v1',
                      'x-kubernetes-object-ref-kind': 'ConfigMap',
                      'x-kubernetes-object-ref-name-key': 'x',
                    }
                  : {}),
                $ref: 'example.com/v1.Ref',
              },
            },
          },
          Dependencies: [],
        },
        'example.com/v1.Ref': {
          Schema: { description: 'ref', properties: { x: { type: 'string' } } },
          Dependencies: [],
        },
      }),
    },
  ),
);

export const openapi = fc.constantFrom('k', 'x', 'none').map((key) =>
  extra(
    { openapi: { path: 'schema.json' } },
    {
      'schema.json': JSON.stringify({
        definitions: {
          'v1.Widget': {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  list: {
                    type: 'array',
                    items: { type: 'object' },
                    ...(key === 'none'
                      ? {}
                      : { 'x-kubernetes-patch-merge-key': key, 'x-kubernetes-patch-strategy': 'merge' }),
                  },
                },
              },
            },
            'x-kubernetes-group-version-kind': [{ group: 'example.com', kind: 'Widget', version: 'v1' }],
          },
        },
      }),
    },
  ),
);
