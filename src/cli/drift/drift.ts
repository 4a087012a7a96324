import { fieldTargets, objectKey } from '../../boundaries/index.ts';
import { getIn, LandfallError, nearest } from '../../kernel/index.ts';
import { findDrift, prove } from '../../verdict/index.ts';
import type { Material } from '../../verdict/index.ts';
import { asking } from '../answers/asking.ts';
import type { DriftOptions } from '../commands/drift.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { acceptDrift } from './accept.ts';
import { chosenDrifts } from './choose.ts';
import { recordDecision } from './decision.ts';
import { renderDrift, renderSettled } from './output.ts';
import { revertDrift } from './revert.ts';

export interface DriftArguments {
  readonly application: string;
  readonly action: string | undefined;
  readonly field: string | undefined;
}

const ACTIONS = ['accept', 'revert'];

function checkAction(action: string | undefined): void {
  if (action === undefined || ACTIONS.includes(action)) return;
  const near = nearest(action, ACTIONS);
  throw new LandfallError(`'${action}' is nothing that can be done about drift.`, {
    kind: 'invalid-input',
    code: 'drift-action',
    object: action,
    hint:
      near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'Say accept or revert, or nothing to look.',
  });
}

/** Whether an object that is there has the field as Git asks for it; one that is not there agrees with nothing. */
function isDelivered(material: Material, field: string): boolean {
  const there = material.rendered.filter(
    ({ object }) => material.snapshot.objects.get(objectKey(object))?.state === 'read',
  );
  return (
    there.length > 0 &&
    fieldTargets(there, field, ({ object }) => object).some(
      ({ item, path }) => getIn(item.object, ...path) !== undefined,
    )
  );
}

/** Shows the drift of an application, or settles a part of it, and gives the exit code for it. */
export async function answerDrift(args: DriftArguments, options: DriftOptions, io: CliIo): Promise<number> {
  const { application, action, field } = args;
  checkAction(action);
  return asking({ ...options, application }, options, io, async ({ sources, question, ledger }) => {
    const { material } = await prove(sources, question, io.signal);
    const report = await findDrift(sources, material, io.signal);
    const chosen = chosenDrifts(report, {
      field,
      object: options.object,
      acting: action !== undefined,
      agrees: (text) => isDelivered(material, text),
    });
    const style = outStyle(io);
    if (action === undefined) {
      const shown = { ...report, drifts: chosen.filter((drift) => options.all === true || !drift.expected) };
      io.out(
        formatAnswer(options.output, shown, () => renderDrift(report, shown.drifts, io.clock.now(), style)),
      );
      return chosen.some((drift) => !drift.expected) || report.unread.length > 0 ? EXIT.broken : EXIT.ok;
    }
    const work = { sources, question, material, report, drifts: chosen, options, io };
    const settled = action === 'accept' ? await acceptDrift(work) : await revertDrift(work);
    io.out(formatAnswer(options.output, settled, () => renderSettled(settled, style)));
    await recordDecision(work, settled, ledger);
    return settled.agrees || settled.dryRun ? EXIT.ok : EXIT.unproven;
  });
}
