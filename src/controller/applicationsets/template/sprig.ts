import type { TemplateFunction } from './execute.ts';
import { dataFunctions } from './sprig-data.ts';
import { textFunctions } from './sprig-text.ts';

/**
 * The functions of sprig that are alike at every run, with those that Argo CD adds. What gives another answer each
 * time (dates, random values, keys) is not here: a template that asks for it is refused.
 */
export const sprig: Readonly<Record<string, TemplateFunction>> = { ...textFunctions, ...dataFunctions };
