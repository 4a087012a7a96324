import { LandfallError } from '../../kernel/index.ts';
import { membersOf, rollback } from '../../pipeline/index.ts';
import type { Survey, SurveyedApplication } from '../../pipeline/index.ts';
import type { RollbackOptions } from '../commands/rollback.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { actorAt, withPlaces } from './open.ts';
import { codeOfChange, renderChange } from './output.ts';

/** The one application that is meant: by its name, or by that of a workload that is in one place only. */
export function oneApplication(
  survey: Survey,
  app: string,
  namespace: string | undefined,
): SurveyedApplication {
  const inPlace = survey.applications.filter(
    ({ spec }) => namespace === undefined || spec.namespace === namespace,
  );
  const exact = inPlace.filter(({ spec }) => spec.name === app);
  const members = exact.length > 0 ? exact : membersOf({ ...survey, applications: inPlace }, app);
  const [first, second] = members;
  if (first !== undefined && second === undefined) return first;
  throw new LandfallError(
    `'${app}' is ${members.length} applications: ${members.map(({ spec }) => `${spec.namespace}/${spec.name}`).join(', ')}.`,
    {
      kind: 'invalid-input',
      code: 'application-ambiguous',
      object: app,
      hint: exact.length > 1 ? 'Say which with --namespace.' : 'Name one of them.',
    },
  );
}

/** Goes back, prints what came of it, and gives the exit code. */
export async function answerRollback(app: string, options: RollbackOptions, io: CliIo): Promise<number> {
  return withPlaces(options, io, async ({ survey, deps }) => {
    const target = oneApplication(survey, app, options.namespace);
    const { actor } = await actorAt(target.place, io.signal);
    const report = await rollback(
      {
        target,
        actor,
        to: options.to,
        reason: options.reason,
        override: options.override,
        imagesOnly: options.imagesOnly === true,
        waitMs: options.wait,
        dryRun: options.dryRun === true,
      },
      survey,
      deps,
      io.signal,
    );
    io.out(formatAnswer(options.output, report, () => renderChange(report, io.clock.now(), outStyle(io))));
    return codeOfChange(report);
  });
}
