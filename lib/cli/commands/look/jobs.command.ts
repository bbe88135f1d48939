import type { JobPageAnswer } from '../../../admin/job-list.js';
import { SEARCH_WORDS } from '../../../admin/search.js';
import { QueueError } from '../../../job/queue.errors.js';
import type { AddCommand, Cli } from '../../command.js';
import { addFilter, filterOf, refuseUnknown, type FilterFlags } from '../../filter-flags.js';
import { showJobs } from '../../show/job-table.js';
import { parseWhole } from '../../show/numbers.js';
import type { Session } from '../../session.js';
import { PROGRAM } from '../../../runtime/words.js';
import { examples } from '../../examples.js';

interface JobsFlags extends FilterFlags {
  limit?: number;
  after?: string;
  all?: boolean;
}

/** The most that one page of `QueueAdmin.jobs` holds. */
const MAX_PAGE = 500;
/** A look ends behind this many. */
const MOST_LOOKED = 100_000;
/** More than this is a stream. */
const MAX_LIMIT = 10_000;

/** `jobs`: a list by filter, page by page, or all of it as a stream. */
export const addJobs: AddCommand = (program, act) => {
  addFilter(
    program
      .command('jobs')
      .description('jobs by filter: what runs first, then what waits, then what has ended')
      .argument('[words...]', 'a search, as for --search'),
  )
    .option('--limit <count>', 'jobs of this page; default: 50', parseWhole)
    .option('--after <next>', 'continue after a page: its "next"')
    .option('--all', 'every page; with --json a line of JSON for each job')
    .addHelpText('after', EXAMPLES)
    .action(
      act((cli, words: string[], flags: JobsFlags) => {
        const asked = {
          ...flags,
          search: [flags.search ?? '', ...words.map(quotedWord)].join(' '),
        };
        return flags.all ? stream(cli, asked) : onePage(cli, { limit: 50, ...asked });
      }),
    );
};

/** Behind a space: then it is a search as a whole. */
const FURTHER = new RegExp(`\\s(${SEARCH_WORDS.map(({ word }) => word.replace('<path>', '\\S+')).join('|')}):`); // prettier-ignore

/** A shell has taken the quotes of `name:"send mail"` away. */
const quotedWord = (word: string): string =>
  /\s/.test(word) && !word.includes('"') && !FURTHER.test(word)
    ? word.replace(/^([\w.-]+:(?:[<>]=?|!?=)?)(.*)$/s, '$1"$2"')
    : word;

const EXAMPLES = `
A list has no payloads: "${PROGRAM} job <id> --payload" shows one. A search is made of
${SEARCH_WORDS.map(({ word }) => word).join(':, ')}:
Where nothing has an index for it, a look ends after 100,000 jobs, and says how to go on.
${examples(`jobs --state dead --queue mail --finished-after 2h
jobs --state running,ready --limit 200
jobs state:dead error:timeout since:2h 'attempt:>2' payload.order.id:42
jobs --state failed --all --json | jq -r .id | xargs ${PROGRAM} retry`)}`;

type Page = JobsFlags & { limit: number };

async function onePage(cli: Cli, flags: Page): Promise<void> {
  if (flags.limit > MAX_LIMIT)
    throw new QueueError(
      'INVALID_OPTION',
      `jobs: --limit is at most ${MAX_LIMIT}. For more there is --all.`,
    );
  const session = await cli.session();
  const page = await collect(session, flags);
  if (page.jobs.length === 0) await refuseUnknown(session, flags);
  await cli.screen.answer(page, async () => {
    if (page.jobs.length === 0) cli.screen.say(page.next ? 'None so far.' : 'No jobs.');
    else await showJobs(cli.screen, page.jobs);
    if (page.next) cli.screen.note({ text: goOn(page, flags), tone: 'dim' });
  });
}

function goOn({ jobs, next, looked }: JobPageAnswer, { limit }: Page): string {
  const more =
    jobs.length < limit ? `It looked at ${looked.toLocaleString('en-US')} jobs` : 'There are more';
  return `${more}: repeat it with --after ${next}, or with --all.`;
}

/** A page of the library may be short, even empty, while there is more: asks until this one is full, or has looked far. */
async function collect({ admin }: Session, flags: Page): Promise<JobPageAnswer> {
  const jobs: JobPageAnswer['jobs'] = [];
  let after = flags.after;
  let looked = 0;
  do {
    const limit =
      flags.limit > MAX_PAGE
        ? Math.min(MAX_PAGE, flags.limit - jobs.length)
        : flags.limit - jobs.length;
    const page = await admin.jobs(filterOf(flags), { limit, after });
    jobs.push(...page.jobs);
    after = page.next;
    looked += page.looked;
  } while (after !== undefined && jobs.length < flags.limit && looked < MOST_LOOKED);
  return { jobs, ...(after === undefined ? {} : { next: after }), looked };
}

async function stream(cli: Cli, flags: JobsFlags): Promise<void> {
  if (flags.limit !== undefined)
    throw new QueueError('INVALID_OPTION', 'jobs: give --limit for a page, or --all, not both.');
  const session = await cli.session();
  let { after } = flags;
  let found = 0;
  do {
    const page = await session.admin.jobs(filterOf(flags), { limit: MAX_PAGE, after });
    found += page.jobs.length;
    if (cli.screen.json) for (const job of page.jobs) cli.screen.item(job);
    else if (page.jobs.length > 0) await showJobs(cli.screen, page.jobs);
    after = page.next;
  } while (after !== undefined);
  if (found === 0) await refuseUnknown(session, flags);
}
