import { beforeAll, describe, expect, it } from 'vitest';
import { getObject, isJsonObject, type JsonObject } from '../../kernel/index.ts';
import { Catalogue } from '../kinds/catalogue.ts';
import { openApiV2 } from './document-v2.ts';
import { documentPaths, openApiDocument } from './document.ts';
import { loadTexts, type ApiTexts } from './texts/index.ts';

let texts: ApiTexts;
beforeAll(async () => {
  texts = await loadTexts();
});

const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment';

function schemas(path: string): JsonObject {
  return getObject(openApiDocument(new Catalogue(), texts, path), 'components', 'schemas') ?? {};
}

/** Fields that Kubernetes itself has no text for. */
const SILENT =
  /JSONSchemaProps\.|ExternalDocumentation\.|IngressRule\.http$|CertificateSigningRequest\.metadata$/;

describe('the OpenAPI documents', () => {
  it('describe every type and field of every built-in kind', () => {
    const silent: string[] = [];
    for (const path of documentPaths(new Catalogue())) {
      for (const [name, schema] of Object.entries(schemas(path))) {
        if (!isJsonObject(schema)) continue;
        if (schema.description === undefined) silent.push(name);
        for (const [field, property] of Object.entries(getObject(schema, 'properties') ?? {})) {
          const place = `${name}.${field}`;
          if (!isJsonObject(property) || property.description !== undefined || SILENT.test(place)) continue;
          silent.push(place);
        }
      }
    }
    expect(silent).toEqual([]);
  });

  it('refer, default and close sets as the original does', () => {
    const apps = schemas('apis/apps/v1');
    expect(getObject(apps, DEPLOYMENT, 'properties', 'spec')).toMatchObject({
      allOf: [{ $ref: '#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec' }],
      default: {},
    });
    expect(getObject(apps, 'io.k8s.api.apps.v1.DeploymentStrategy', 'properties', 'type')).toMatchObject({
      type: 'string',
      enum: ['Recreate', 'RollingUpdate'],
    });
    expect(getObject(apps, 'io.k8s.api.apps.v1.DeploymentCondition', 'properties', 'status')).toMatchObject({
      type: 'string',
      default: '',
    });
    expect(getObject(apps, 'io.k8s.api.core.v1.Container', 'properties', 'command', 'items')).toEqual({
      type: 'string',
      default: '',
    });
    expect(
      getObject(
        apps,
        'io.k8s.api.core.v1.ResourceRequirements',
        'properties',
        'limits',
        'additionalProperties',
      ),
    ).toEqual({ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity' });
    expect(getObject(apps, 'io.k8s.api.apps.v1.ControllerRevision', 'properties', 'data')?.allOf).toEqual([
      { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.runtime.RawExtension' },
    ]);
  });

  it('have the words of 1.32, not those of the version after', () => {
    const replicas = getObject(
      schemas('apis/apps/v1'),
      'io.k8s.api.apps.v1.DeploymentStatus',
      'properties',
      'replicas',
    );
    expect(replicas?.description).toContain('non-terminated pods');
  });

  it('never refer to what they do not hold, in either version', () => {
    const documents = documentPaths(new Catalogue()).map((path) => {
      const document = openApiDocument(new Catalogue(), texts, path);
      return { text: JSON.stringify(document), names: getObject(document, 'components', 'schemas') };
    });
    const v2 = openApiV2(new Catalogue(), texts);
    documents.push({ text: JSON.stringify(v2), names: getObject(v2, 'definitions') });
    for (const { text, names } of documents) {
      const referred = [...text.matchAll(/"\$ref":"#\/(?:components\/schemas|definitions)\/([^"]+)"/g)];
      expect(referred.length).toBeGreaterThan(0);
      for (const [, name = ''] of referred) expect(names, name).toHaveProperty([name]);
    }
  });

  it('write references beside their neighbours, and no defaults, in version 2', () => {
    const { definitions } = openApiV2(new Catalogue(), texts);
    const spec = getObject(definitions, DEPLOYMENT, 'properties', 'spec');
    expect(spec?.$ref).toBe('#/definitions/io.k8s.api.apps.v1.DeploymentSpec');
    expect(spec?.description).toBeTypeOf('string');
    expect(JSON.stringify(definitions)).not.toContain('"default":{}');
    expect(getObject(definitions, 'io.k8s.apimachinery.pkg.util.intstr.IntOrString')).toMatchObject({
      type: 'string',
      format: 'int-or-string',
    });
  });
});
