export { LandfallError, asLandfallError, messageOf } from './errors.ts';
export type { ErrorDetails, ErrorKind } from './errors.ts';
export { manualClock, sleep, systemClock } from './clock.ts';
export type { Clock, ManualClock, Timer } from './clock.ts';
export {
  getArray,
  getIn,
  getNumber,
  getObject,
  getString,
  isJsonObject,
  jsonEqual,
  parseJson,
  textOf,
} from './json.ts';
export type { JsonArray, JsonObject, JsonScalar, JsonValue } from './json.ts';
export { jsonLogger, silentLogger } from './log.ts';
export type { Logger, LogValue } from './log.ts';
export { runProgram } from './program.ts';
export type { ProgramOptions, ProgramResult } from './program.ts';
export { mapBounded } from './concurrency.ts';
export {
  YamlNode,
  YamlSource,
  parseYaml,
  parseYamlDocuments,
  parseYamlSource,
  readsAsOther,
  resolveTag,
  scalarValue,
  stringifyYaml,
  tags,
  yamlToExact,
  yamlToJson,
} from './yaml/index.ts';
export type {
  ExactValue,
  ParseYamlOptions,
  YamlKind,
  YamlLimits,
  YamlStyle,
  YamlWords,
} from './yaml/index.ts';
export { nearest } from './nearest.ts';
export { redactLine, redactor, redactValue } from './redact.ts';
export { parseQuantity } from './quantity.ts';
export { isAlive, processStart } from './process-life.ts';
