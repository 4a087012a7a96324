import type { TemplateFunction } from './execute.ts';
import { dataFunctions } from './sprig-data.ts';
import { numberFunctions } from './sprig-numbers.ts';
import { textFunctions } from './sprig-text.ts';
import { urlFunctions } from './sprig-urls.ts';

const own: Readonly<Record<string, TemplateFunction>> = {
  ...textFunctions,
  ...numberFunctions,
  ...dataFunctions,
  ...urlFunctions,
};

/** Those that sprig has a second time, as `mustFirst`: they fail where the first may say nothing. Here both fail. */
const MUST =
  'append chunk compact deepCopy first fromJson has initial last merge mergeOverwrite prepend push ' +
  'regexFind regexFindAll regexMatch regexReplaceAll regexReplaceAllLiteral regexSplit rest reverse slice ' +
  'toJson toPrettyJson toRawJson uniq without';

/** Those that sprig has a second time for paths of the operating system. */
const OS = 'base clean dir ext isAbs';

function again(prefix: string, names: string): Record<string, TemplateFunction> {
  return Object.fromEntries(
    names.split(' ').flatMap((name) => {
      const found = own[name];
      return found === undefined ? [] : [[prefix + name.slice(0, 1).toUpperCase() + name.slice(1), found]];
    }),
  );
}

/**
 * The functions of sprig that are alike at every run, with those that Argo CD adds. What gives another answer each
 * time (dates, random values, keys) is not here: a template that asks for it is refused.
 */
export const sprig: Readonly<Record<string, TemplateFunction>> = {
  ...own,
  ...again('must', MUST),
  ...again('os', OS),
};
