import { LandfallError, parseYamlSource } from '../../kernel/index.ts';
import { Fields } from '../decode.ts';
import type { Loader } from '../loader.ts';
import { readReplacement } from './replacement-config.ts';
import type { Replacement, ReplacementEntry } from './replacement-config.ts';

/** Entries that name a file are replaced by what is in it: one replacement or a list. */
export async function loadReplacements(
  entries: readonly ReplacementEntry[],
  loader: Loader,
): Promise<Replacement[]> {
  const replacements: Replacement[] = [];
  for (const entry of entries) {
    if (entry.path === '') {
      replacements.push(entry);
      continue;
    }
    const { where } = entry.node;
    if (entry.source !== undefined || (entry.targets?.length ?? 0) > 0) {
      throw new LandfallError(`${where}: cannot specify both path and inline replacement`, {
        kind: 'invalid-input',
        code: 'replacement-invalid',
        object: where,
      });
    }
    const source = await loader.source(entry.path);
    const [document] = parseYamlSource(source, { words: 'yaml-1.1', duplicateKeys: 'last' });
    if (document === undefined || document.kind === 'scalar') {
      throw new LandfallError(
        `unsupported replacement type encountered within replacement path: ${source.name} holds neither a replacement nor a list of them`,
        { kind: 'invalid-input', code: 'replacement-invalid', object: source.name },
      );
    }
    const nodes = document.kind === 'seq' ? document.content : [document];
    for (const node of nodes)
      replacements.push(readReplacement(new Fields(node, 'the replacement', 'lenient')));
  }
  return replacements;
}
