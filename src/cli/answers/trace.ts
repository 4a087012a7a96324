import { prove, traceAttribute, traceField, traceImage, TRACE_ATTRIBUTES } from '../../verdict/index.ts';
import type { Look, Trace } from '../../verdict/index.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import { formatAnswer } from '../output/format.ts';
import { renderTrace } from '../output/trace.ts';
import { asking } from './asking.ts';

function traceOf({ material, proof }: Look, attribute: string): Trace {
  if (attribute === 'image' && proof.image !== undefined) return traceImage(proof.boundaries, proof.image);
  const named = TRACE_ATTRIBUTES.some((name) => name === attribute);
  return named ? traceAttribute(proof.boundaries, attribute) : traceField(material, attribute);
}

/** Prints one attribute of an application at each boundary. */
export async function answerTrace(
  application: string,
  attribute: string,
  options: ClusterOptions & OutputOptions,
  io: CliIo,
): Promise<void> {
  const trace = await asking({ ...options, application }, options, io, async ({ sources, question }) =>
    traceOf(await prove(sources, question, io.signal), attribute),
  );
  io.out(formatAnswer(options.output, trace, () => renderTrace(trace, io.clock.now(), outStyle(io))));
}
