import type { YamlNode } from '../kernel/index.ts';
import type { RenderFinding } from './findings.ts';
import { OpenApi } from './schema/openapi.ts';

/** What all parts of one render share. There is nothing else that they share: no module keeps state. */
export class RenderContext {
  readonly openapi = new OpenApi();
  readonly warnings: string[] = [];
  readonly findings: RenderFinding[] = [];
  /** Whether something copies content from one object into another, names apart. */
  mixes = false;
  /** Grows whenever some object's name or id may have changed, so that indexes know when they are stale. */
  idVersion = 0;

  find(finding: RenderFinding): void {
    this.findings.push(finding);
  }
}

/** `file` and `line` of a node, for a finding. */
export function whereOf(node: YamlNode | undefined): { readonly file: string; readonly line: number } {
  return { file: node?.source?.name ?? '', line: node?.line ?? 0 };
}
