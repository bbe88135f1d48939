import { QueueError } from '../job/queue.errors.js';
import { ENCODE, isTorn, urlOf } from '../runtime/torn-address.js';
import type { SharedFlags } from './shared-flags.js';
import type { Terminal } from './show/terminal.js';

/** Which database, and how it is shown to people: never with a password. */
export interface DatabaseChoice {
  /** undefined: by the `PG...` variables. */
  url?: string;
  shown: string;
}

/** One of these says that somebody has chosen a database; a password or an SSL mode alone does not. */
const CHOOSING = ['PGHOST', 'PGHOSTADDR', 'PGDATABASE', 'PGUSER', 'PGPORT'];

/** `--url`, else `DATABASE_URL`, else the variables of libpq. @throws QueueError `INVALID_OPTION`. */
export function databaseOf(
  { url }: Pick<SharedFlags, 'url'>,
  env: Terminal['env'],
): DatabaseChoice {
  if (url !== undefined) return { url, shown: shownUrl('--url', url) };
  if (env.DATABASE_URL)
    return { url: env.DATABASE_URL, shown: shownUrl('DATABASE_URL', env.DATABASE_URL) };
  if (CHOOSING.some((name) => env[name])) return { shown: shownVariables(env) };
  throw new QueueError(
    'INVALID_OPTION',
    'No database is named. Set DATABASE_URL, give --url postgres://user@host:5432/database, or set PGHOST, PGUSER, PGPASSWORD and PGDATABASE.',
  );
}

/** What is no name or number is not repeated: an address with its password may stand there. */
function shownVariables({
  PGHOST = 'localhost',
  PGPORT = '5432',
  PGDATABASE,
  PGUSER = '',
}: Terminal['env']): string {
  const named = { PGHOST, PGPORT, PGDATABASE: PGDATABASE ?? PGUSER };
  for (const [name, value] of Object.entries(named))
    if (/[@=\s]|:\/\/|^postgres(ql)?:/.test(value) || (name === 'PGPORT' && !/^\d*$/.test(value)))
      throw new QueueError(
        'INVALID_OPTION',
        `${name} is not what it names. A whole address goes into DATABASE_URL.`,
      );
  return `${PGHOST}:${PGPORT}/${named.PGDATABASE}`;
}

/** What is no address is not repeated: it may be a password in the wrong place. */
function shownUrl(name: string, text: string): string {
  const url = urlOf(text);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || isTorn(url))
    throw new QueueError(
      'INVALID_OPTION',
      `${name} is not an address of the form postgres://user:password@host:5432/database. ${ENCODE}.`,
    );
  // As the driver has it: what is said behind the question mark counts.
  const host = url.searchParams.get('host') || url.hostname || 'localhost';
  const port = url.searchParams.get('port') || url.port;
  return `${host}${port ? `:${port}` : ''}${url.pathname}`;
}
