import type { LimitChange, LimitShare, LimitSummary } from '../../../admin/limits.js';
import { queueOfKeys } from '../../../job/limit.js';
import { quote } from '../../../job/names.js';
import { QueueError } from '../../../job/queue.errors.js';
import { parseDuration } from '../../../job/values/duration.js';
import type { AddCommand, Cli } from '../../command.js';
import { parseWhole } from '../../show/numbers.js';
import type { Cell } from '../../show/table.js';
import { span } from '../../show/times.js';
import { examples } from '../../examples.js';

interface SetFlags {
  concurrency?: number | null;
  rate?: string;
  burst?: number;
  strict?: boolean;
  perKey?: boolean;
}

const EXAMPLES = examples(`limits set mail --concurrency 10
limits set stripe --rate 100/1s --strict
limits set mail --rate none
limits set 'mail/*' --concurrency 2
limits reset mail
limits reset mailer --rest
limits remove old-api`);

/** `limits`: what bounds jobs over all processes, and who shares in it. */
export const addLimits: AddCommand = (program, act) => {
  const limits = program
    .command('limits')
    .description('limits across the fleet, and who holds their permits')
    .addHelpText('after', EXAMPLES)
    .action(act(show));
  limits
    .command('set')
    .description('set a limit while the fleet works; it overrules what processes declare')
    .argument('<name>', 'a queue, a named limit, or "queue/*" for the limit of each key')
    .option('--concurrency <n>', 'jobs at once over all processes, or "none"', parseNumber)
    .option('--rate <limit/time>', 'starts in a time, such as 100/1s, or "none"')
    .option('--burst <n>', 'with --rate: starts at once after a rest', parseWhole)
    .option('--strict', 'with --rate: in any window, spaced evenly')
    .option('--per-key', 'of a queue: the limit that holds for each key of its jobs')
    .action(act(set));
  limits
    .command('reset')
    .description('let what processes declare hold again, and end a rest')
    .argument('<name>', 'a queue, a named limit, or "queue/*" for the limit of each key')
    .option('--rest', 'only end the rest; what was set stays')
    .action(act(reset));
  limits
    .command('remove')
    .description('take away a limit that no live process declares any more')
    .argument('<name>', 'a queue, a named limit, or "queue/*" for the limit of each key')
    .action(act(remove));
};

async function show({ screen, session }: Cli): Promise<void> {
  const limits = await (await session()).admin.limits();
  await screen.answer({ limits }, async () => {
    if (limits.length === 0) return screen.say('No limit across the fleet is declared or set.');
    const columns = [
      { head: 'limit' },
      { head: 'at once', right: true },
      { head: 'given out', right: true },
      { head: 'rate' },
      { head: '' },
      { head: 'who has how many', shrinks: true },
    ];
    await screen.table(columns, limits.map(rowOf));
  });
}

function rowOf({ name, perKey, concurrency, allotted, shares, ...limit }: LimitSummary): Cell[] {
  const given = perKey ? 'of each key' : concurrency === undefined ? '' : String(allotted);
  return [
    perKey ? `${name}/*` : name,
    String(concurrency ?? ''),
    given,
    rateOf(limit),
    stateOf(limit),
    sharesOf(shares),
  ];
}

function rateOf({ rate }: Pick<LimitSummary, 'rate'>): string {
  if (!rate) return '';
  const { limit, perMs, burst, strict } = rate;
  const how = strict ? ', strict' : burst === limit ? '' : `, burst ${burst}`;
  return `${limit}/${perMs} ms${how}`;
}

function stateOf({
  restsUntil,
  setAt,
  undeclared,
}: Pick<LimitSummary, 'restsUntil' | 'setAt' | 'undeclared'>): Cell {
  if (restsUntil) return { text: `rests ${span(restsUntil.getTime() - Date.now())}`, tone: 'bad' };
  return setAt ? 'set' : undeclared ? 'undeclared' : '';
}

function sharesOf(shares: LimitShare[]): string {
  const holding = shares.filter(({ permits }) => permits > 0);
  return holding
    .map(({ holder, permits, live }) => `${holder} ${permits}${live ? '' : ' (silent)'}`)
    .join(', ');
}

async function set(cli: Cli, given: string, flags: SetFlags): Promise<void> {
  refuseWithoutRate(flags);
  const { admin } = await cli.session();
  const { name, perKey } = named(given, flags);
  const known = (await admin.limits()).find((limit) => limit.name === name);
  const isNamed = perKey || (known && !known.ofQueue);
  const key = isNamed ? 'concurrency' : 'fleetConcurrency';
  const said = {
    ...(flags.concurrency === undefined ? {} : { [key]: flags.concurrency }),
    ...(flags.rate === undefined ? {} : { rate: rateFrom(flags) }),
  };
  const change: LimitChange = perKey ? { perKey: said } : said;
  await admin.setLimit(name, change);
  await cli.screen.answer({ name, ...change }, () => cli.screen.say(`Limit "${given}" is set.`));
}

/** As lists print it: `imports/*` is the limit of each key. */
const named = (
  given: string,
  { perKey = false }: Pick<SetFlags, 'perKey'>,
): { name: string; perKey: boolean } => ({
  name: queueOfKeys(given) ?? given,
  perKey: perKey || queueOfKeys(given) !== undefined,
});

const parseNumber = (text: string): number | null => (text === 'none' ? null : parseWhole(text));

/** What belongs to a rate would be lost without one. */
function refuseWithoutRate({ rate, burst, strict }: SetFlags): void {
  if ((rate === undefined || rate === 'none') && (burst !== undefined || strict))
    throw new QueueError('INVALID_OPTION', '--burst and --strict belong to a rate: give --rate, such as 100/1s, too.'); // prettier-ignore
}

function rateFrom({ rate = '', burst, strict }: SetFlags): LimitChange['rate'] {
  if (rate === 'none') return null;
  const [, limit, time = ''] = /^(\d+)\/(.+)$/.exec(rate) ?? [];
  const perMs = /^\d+$/.test(time) ? Number(time) : parseDuration(time);
  if (perMs === undefined)
    throw new QueueError('INVALID_OPTION', `--rate: ${quote(rate)} is not of the form 100/1s: starts, and a time such as 500ms, 1s or 2min. A number alone is milliseconds.`); // prettier-ignore
  return {
    limit: Number(limit),
    perMs,
    ...(burst === undefined ? {} : { burst }),
    ...(strict ? { strict } : {}),
  };
}

/** Where a queue has both, each by its own name. */
async function partOf({ session }: Cli, given: string) {
  const { admin } = await session();
  const { name, perKey } = named(given, {});
  const hasBoth = (await admin.limits()).filter((limit) => limit.name === name).length > 1;
  return { admin, name, part: perKey || hasBoth ? { perKey } : {} };
}

async function reset(cli: Cli, given: string, { rest }: { rest?: boolean }): Promise<void> {
  const { admin, name, part } = await partOf(cli, given);
  await admin.resetLimit(name, rest ? { ...part, rest } : part);
  const done = rest
    ? `"${given}" rests no more`
    : `What processes declare of "${given}" holds again`;
  await cli.screen.answer({ name: given }, () => cli.screen.say(`${done}.`));
}

async function remove(cli: Cli, given: string): Promise<void> {
  const { admin, name, part } = await partOf(cli, given);
  await admin.removeLimit(name, part);
  await cli.screen.answer({ name: given }, () => cli.screen.say(`Limit "${given}" is removed.`));
}
