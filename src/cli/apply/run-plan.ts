import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PlanDocument } from '../../apply/index.ts';
import { isEmptyPlan } from '../../apply/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import { uidOf } from '../../kube/index.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import type { PlanCommandOptions, SetOptions } from './options.ts';
import { planJson, planLines } from './plan-text.ts';
import { openSession, planFor } from './session.ts';
import type { Planned, Session } from './session.ts';

/** What of the options decides a plan, to ask for the same one again. */
export function askedFor(what: string, options: SetOptions, io: CliIo): JsonObject {
  const { env, name, namespace, prune, pruneKept, recreate, loose } = options;
  const location = path.resolve(io.cwd, what);
  const given = { env, name, namespace, prune, pruneKept, recreate, loose };
  return {
    what,
    folder: io.cwd,
    location,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

function documentOf(
  planned: Planned,
  clusterUid: string | undefined,
  asked: JsonObject,
  io: CliIo,
): PlanDocument {
  const { target, plan, set, salt } = planned;
  return {
    apiVersion: 'landfall.dev/v1',
    kind: 'Plan',
    createdAt: new Date(io.clock.now()).toISOString(),
    subject: { ...target.subject },
    ...(clusterUid === undefined ? {} : { clusterUid }),
    revision: target.revision,
    set,
    salt,
    asked,
    objects: plan.items.map(({ planned: object }) => ({ ...object, fields: [...object.fields] })),
  };
}

async function keep(
  document: PlanDocument,
  options: PlanCommandOptions,
  session: Session,
  planned: Planned,
  io: CliIo,
): Promise<{ readonly id?: string; readonly file?: string }> {
  const json = JSON.parse(JSON.stringify(document)) as JsonObject;
  let kept: { readonly id?: string; readonly file?: string } = {};
  if (options.save === true) {
    const { identity } = planned.plan;
    const actor = {
      name: identity ?? 'unknown',
      attestedBy: identity === undefined ? 'nobody' : 'cluster',
    } as const;
    const { subject, revision } = planned.target;
    kept = { id: await session.ledger.plans.save({ ...subject, revision, actor, plan: json }) };
  }
  if (options.out === undefined) return kept;
  const file = path.resolve(io.cwd, options.out);
  await mkdir(path.dirname(file), { recursive: true });
  const next = `${file}.${process.pid}.new`;
  await writeFile(next, `${JSON.stringify(json, null, 2)}\n`, { mode: 0o600 });
  await rename(next, file);
  return { ...kept, file };
}

/** `landfall plan`: what an apply would do, and everything that stands in its way. */
export async function runPlan(what: string, options: PlanCommandOptions, io: CliIo): Promise<number> {
  const saving = options.out !== undefined || options.save === true;
  if (what === '-' && saving) {
    throw new LandfallError('A plan of what came from stdin cannot be carried out later.', {
      kind: 'invalid-input',
      code: 'plan-stdin',
      hint: 'Write the manifests to a file and name that.',
    });
  }
  const session = await openSession(options, io);
  try {
    const planned = await planFor(what, options, session, io);
    const { plan, target } = planned;
    const refused = plan.problems.length > 0;
    const kept =
      saving && !refused
        ? await keep(
            documentOf(planned, await uidOf(session.identify), askedFor(what, options, io), io),
            options,
            session,
            planned,
            io,
          )
        : {};
    const style = outStyle(io);
    io.out(
      formatAnswer(
        options.output,
        { subject: target.subject, revision: target.revision, ...kept, ...planJson(plan) },
        () => {
          const lines = [...planLines(plan, style, true)];
          const how = kept.file ?? kept.id;
          if (refused) lines.push(`  ${style.red('✗')} it would be refused; nothing was changed`);
          else if (isEmptyPlan(plan)) lines.push(`  ${style.green('✓')} nothing would be changed`);
          else if (how !== undefined)
            lines.push(`  ${style.bold('Next:')} landfall apply --plan ${options.out ?? how}`);
          return `${lines.join('\n')}\n`;
        },
      ),
    );
    return refused ? EXIT.broken : EXIT.ok;
  } finally {
    await session.close();
  }
}
