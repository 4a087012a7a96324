import { LandfallError, parseYamlSource } from '../../kernel/index.ts';
import type { RenderContext } from '../context.ts';
import type { Fields } from '../decode.ts';
import { sourceOf } from '../load-objects.ts';
import { markTree } from '../nodes.ts';
import { Resource } from '../resource.ts';

/** The service account that stands for one of Google's. Source: api/filters/iampolicygenerator. */
export function generateIamPolicy(fields: Fields, context: RenderContext): Resource[] {
  const cloud = fields.text('cloud');
  if (cloud !== 'gke') {
    throw new LandfallError(`${fields.node.where}: cloud provider ${cloud} not supported yet`, {
      kind: 'invalid-input',
      code: 'plugin-config',
      object: fields.node.where,
      hint: 'gke is supported.',
    });
  }
  const name = fields.fields('kubernetesService')?.text('name') ?? '';
  const account = fields.fields('serviceAccount');
  const namespace = fields.fields('kubernetesService')?.text('namespace') ?? '';
  const address = `${account?.text('name') ?? ''}@${account?.text('projectId') ?? ''}.iam.gserviceaccount.com`;
  const lines = [
    'apiVersion: v1',
    'kind: ServiceAccount',
    'metadata:',
    '  annotations:',
    `    iam.gke.io/gcp-service-account: ${address}`,
    `  name: ${name}`,
  ];
  if (namespace !== '') lines.push(`  namespace: ${namespace}`);
  const source = sourceOf(fields.node.source?.name ?? '', `${lines.join('\n')}\n`, fields.node.line);
  return parseYamlSource(source, { words: 'yaml-1.2' }).map(
    (node) => new Resource(markTree(node, 'IAMPolicyGenerator'), context),
  );
}
