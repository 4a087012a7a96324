import { strictObject, string } from 'zod';
import { ruleProblems } from '../../boundaries/index.ts';
import { name } from './parts.ts';

/** How to tell the health of a kind that Landfall does not know, in CEL. */
export const healthRule = strictObject({
  apiVersion: name,
  kind: name,
  /** `*` stands for any characters; left out: every object of the kind. */
  name: name.exactOptional(),
  namespace: name.exactOptional(),
  current: string(),
  inProgress: string().exactOptional(),
  failed: string().exactOptional(),
}).check((context) => {
  for (const { field, problem } of ruleProblems(context.value))
    context.issues.push({ code: 'custom', input: context.value[field], path: [field], message: problem });
});
