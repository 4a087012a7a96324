import type { SourceFile } from '../../verdict/index.ts';
import type { Block } from '../block.ts';
import type { Reading } from '../facts.ts';
import { namedPath } from './manifests.ts';
import { artifactSource } from './objects.ts';

const DOCKERFILE = /^\s*(?:FROM\s+\S+|ARG\s+\w+|# syntax=)/;
const INSTRUCTION =
  /^\s*(?:FROM|RUN|COPY|ADD|CMD|ENTRYPOINT|ENV|ARG|EXPOSE|WORKDIR|USER|LABEL|HEALTHCHECK|VOLUME|SHELL|STOPSIGNAL|ONBUILD)\s/;

/** Dockerfiles and Helm templates: sources that no parser of YAML reads. */
export function readSources(block: Block): Reading | undefined {
  const lines = block.lines.filter(({ text }) => text.trim() !== '');
  const [first] = lines;
  if (first === undefined) return undefined;
  const path = namedPath(block);
  const text = block.lines.map((line) => line.text).join('\n');
  const code = lines.find((line) => !/^\s*#/.test(line.text));
  const isDocker =
    (/Dockerfile/i.test(path) || block.language === 'dockerfile' || DOCKERFILE.test(code?.text ?? '')) &&
    lines.filter((line) => INSTRUCTION.test(line.text)).length >= 2;
  const isTemplate =
    /\{\{-?\s*(?:\.|include|if|range|with|define|template|toYaml|\$)/.test(text) && /^\s*[\w-]+:/m.test(text);
  if (!isDocker && !isTemplate) return undefined;
  const file: SourceFile = {
    path,
    kind: isDocker ? 'dockerfile' : 'helm-template',
    value: undefined,
    text,
    cite: () => artifactSource(block.artifact, first.line),
    source: artifactSource(block.artifact, first.line),
  };
  return { facts: { files: [file] }, rest: [] };
}
