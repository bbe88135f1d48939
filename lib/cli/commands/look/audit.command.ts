import type { OperatorAction } from '../../../admin/audit.js';
import type { AddCommand, Cli } from '../../command.js';
import { refuseNear, refuseUnknownQueue } from '../../known-queue.js';
import { parseWhole } from '../../show/numbers.js';
import type { Session } from '../../session.js';
import type { Cell } from '../../show/table.js';
import { fromNow, parseMoment } from '../../show/times.js';
import { examples } from '../../examples.js';

interface AuditFlags {
  by?: string;
  action?: string;
  queue?: string;
  since?: Date;
  limit?: number;
  after?: string;
}

/** `audit`: who did what. */
export const addAudit: AddCommand = (program, act) => {
  program
    .command('audit')
    .description('who did what to the queues, the newest first')
    .option('--by <actor>', 'of this actor only')
    .option('--action <action>', 'such as pause, redrive or set-limit')
    .option('--queue <queue>', 'to this queue')
    .option('--since <time>', 'from then on: 2h, 1d, or a moment', parseMoment)
    .option('--limit <n>', 'at most so many, default 50', parseWhole)
    .option('--after <id>', 'behind the last one of the page before')
    .addHelpText('after', examples('audit --action pause --since 1d'))
    .action(act((cli, flags: AuditFlags) => audit(cli, flags)));
};

async function audit({ screen, session }: Cli, flags: AuditFlags): Promise<void> {
  const { by: actor, limit, after, ...filter } = flags;
  const opened = await session();
  const acts = await opened.admin.audit({ ...filter, actor }, { limit, after });
  if (acts.length === 0) await refuseUnknown(opened, filter);
  await screen.answer({ acts }, async () => {
    if (acts.length === 0) return screen.say('Nobody did such a thing.');
    const heads = ['when', 'who', 'did', 'to what', 'outcome'];
    await screen.table(
      heads.map((head) => ({ head, shrinks: head === 'to what' })),
      acts.map(rowOf),
    );
  });
}

/** The newest acts know what can be done, and what somebody calls it in code. */
async function refuseUnknown(session: Session, { queue, action }: AuditFlags): Promise<void> {
  await refuseUnknownQueue(session, queue);
  if (action === undefined) return;
  const known = new Set((await session.admin.audit({}, { limit: 500 })).map((act) => act.action));
  refuseNear(action, [...known], 'audit: nobody did');
}

function rowOf({ at, actor, action, selector, ...outcome }: OperatorAction): Cell[] {
  return [fromNow(at), actor, action, wordsOf(selector), outcomeOf(outcome)];
}

function outcomeOf({ counts = {}, failed, endedAt }: Partial<OperatorAction>): Cell {
  if (failed) return { text: failed, tone: 'bad' };
  if (!endedAt) return { text: 'no end known', tone: 'warn' };
  return wordsOf(counts) || 'done';
}

const wordsOf = (parts: Record<string, unknown>): string =>
  Object.entries(parts)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
