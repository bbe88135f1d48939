import type { Command } from 'commander';
import type { WorkflowState, WorkflowSummary } from '../../../job/workflow.js';
import { unknown } from '../../../workflows/found.js';
import type { Act, AddCommand, Cli } from '../../command.js';
import { eachId } from '../../each-id.js';
import { parseWhole } from '../../show/numbers.js';
import type { Cell } from '../../show/table.js';
import { fromNow, moment } from '../../show/times.js';
import { linesOf, workflowTone } from '../../show/workflow-tree.js';
import { examples } from '../../examples.js';

interface ListFlags {
  state?: string;
  name?: string;
  limit?: number;
}

/** `workflows`: which there are; and what is done with them. */
export const addWorkflows: AddCommand = (program, act) => {
  const workflows = program
    .command('workflows')
    .description('workflows, the newest first: list, retry, cancel')
    .addHelpText('after', examples('workflows --state failed'));
  workflows
    .command('list', { isDefault: true })
    .description('workflows, the newest first')
    .option(
      '--state <states>',
      'running, compensating, stuck, succeeded, failed, compensated, cancelled; several with commas',
    )
    .option('--name <name>', 'of this name only')
    .option('--limit <n>', 'at most so many, default 100', parseWhole)
    .addHelpText('after', examples('workflows list --state running,failed --json'))
    .action(act((cli, flags: ListFlags) => list(cli, flags)));
  addActs(workflows, act);
};

/** `workflow <id>`: one as a tree. */
export const addWorkflow: AddCommand = (program, act) => {
  program
    .command('workflow')
    .description('one workflow as a tree: what each step does, and what it waits for')
    .argument('<id>', 'its UUID')
    .addHelpText('after', examples('workflow <id>'))
    .action(act(show));
};

function addActs(workflows: Command, act: Act): void {
  workflows
    .command('retry')
    .description(
      'run again what failed, and what was skipped because of it; of a stuck one its compensation',
    )
    .argument('<ids...>', 'of workflows that have failed, were cancelled, or are stuck')
    .addHelpText('after', examples(`workflows retry <id>`))
    .action(act(retry));
  workflows
    .command('cancel')
    .description(
      'begin nothing more of it, ask what runs to stop, and compensate what has completed',
    )
    .argument('<ids...>', 'of workflows')
    .option('--no-compensate', 'leave what has completed as it is')
    .addHelpText('after', examples(`workflows cancel <id>`))
    .action(act(cancel));
}

const retry = (cli: Cli, ids: string[]): Promise<number> =>
  eachId(cli, ids, {
    action: 'retry-workflow',
    work: async ({ workflows }, id) => ({ id, attempt: await workflows.retry(id) }),
    text: ({ id, attempt }) => `${id}: attempt ${attempt} has begun`,
  });

const cancel = (
  cli: Cli,
  ids: string[],
  { compensate }: { compensate: boolean },
): Promise<number> =>
  eachId(cli, ids, {
    action: 'cancel-workflow',
    work: async ({ workflows }, id) => ({
      id,
      cancelled: await workflows.cancel(id, { compensate }),
    }),
    text: ({ id, cancelled }) =>
      `${id}: ${cancelled ? 'is being cancelled' : 'had ended, or compensates already'}`,
    isDone: ({ cancelled }) => cancelled,
  });

async function list({ screen, session }: Cli, { state, ...flags }: ListFlags): Promise<void> {
  const states = state?.split(',') as WorkflowState[] | undefined;
  const found = await (
    await session()
  ).workflows.list({ ...(states && { state: states }), ...flags });
  await screen.answer({ workflows: found }, async () => {
    if (found.length === 0) return screen.say('There are no such workflows.');
    const heads = ['id', 'name', 'state', 'attempt', 'jobs', 'started', 'ended'];
    await screen.table(
      heads.map((head) => ({ head, shrinks: head === 'name' })),
      found.map(rowOf),
    );
  });
}

function rowOf({
  id,
  name,
  state,
  attempt,
  jobs,
  createdAt,
  endedAt,
  stop,
}: WorkflowSummary): Cell[] {
  const told = state === 'running' && stop ? 'stopping' : state;
  const times = [fromNow(createdAt), endedAt ? fromNow(endedAt) : ''];
  return [
    id,
    name,
    { text: told, tone: workflowTone(state) },
    String(attempt),
    String(jobs),
    ...times,
  ];
}

async function show({ screen, session }: Cli, id: string): Promise<void> {
  const found = await (await session()).workflows.find(id);
  if (!found) throw unknown(id);
  await screen.answer(found, async () => {
    const { name, state, attempt, stop, uniqueKey, createdAt, deadlineAt, endedAt } = found;
    await screen.fields([
      ['workflow', { text: name, tone: 'strong' }],
      ['id', found.id],
      [
        'state',
        {
          text: stop && state === 'running' ? `stopping (${stop})` : state,
          tone: workflowTone(state),
        },
      ],
      ['attempt', attempt > 1 ? String(attempt) : undefined],
      ['unique key', uniqueKey],
      ['started', moment(createdAt)],
      ['deadline', deadlineAt && moment(deadlineAt)],
      ['ended', endedAt && moment(endedAt)],
    ]);
    screen.say('');
    for (const line of linesOf(found.steps)) screen.say(...line);
  });
}
