import { scalarValue, tags } from '../kernel/index.ts';
import type { YamlNode } from '../kernel/index.ts';
import { newString, quoteLookalike } from './nodes.ts';
import { settleScalar } from './settle.ts';

/**
 * Rewrites the scalars of a tree as if it had been written out as JSON and read back: the original does that to
 * every object a JSON patch is for, and the style of a scalar decides what a later patch makes of it.
 */
export function normalizeJson(node: YamlNode, inFlow = false): void {
  const flow = inFlow || node.style === 'flow';
  if (node.kind === 'scalar') {
    normalizeScalar(node, inFlow);
    return;
  }
  node.tag = node.kind === 'map' ? tags.map : tags.seq;
  node.style = 'block';
  node.tagged = false;
  for (const [index, child] of node.content.entries()) {
    if (node.kind === 'map' && index % 2 === 0) {
      child.tag = tags.str;
      child.tagged = false;
    } else normalizeJson(child, flow);
  }
}

function normalizeScalar(node: YamlNode, flow: boolean): void {
  settleScalar(node, flow);
  const value = scalarValue(node, true);
  node.tagged = false;
  if (typeof value === 'string') {
    const text: YamlNode = newString(value);
    quoteLookalike(text);
    node.tag = tags.str;
    node.value = value;
    node.style = text.style;
    return;
  }
  node.style = 'plain';
  if (value === null) {
    node.tag = tags.null;
    node.value = 'null';
  } else if (typeof value === 'boolean') {
    node.tag = tags.bool;
    node.value = String(value);
  } else {
    const text = String(value);
    const whole = typeof value === 'bigint' || Number.isInteger(value);
    node.tag = whole && !/[eE]/.test(text) ? tags.int : tags.float;
    if (!/[eE]/.test(text)) node.value = text;
  }
}

/** The same for an object that the original reads back from JSON text, where every string has quotes. */
export function readAsJson(node: YamlNode): void {
  normalizeJson(node);
  quoteStrings(node);
}

function quoteStrings(node: YamlNode): void {
  if (node.kind === 'scalar') {
    if (node.tag === tags.str) node.style = 'double';
    return;
  }
  for (const child of node.content) quoteStrings(child);
}
