import { QueueError } from '../job/queue.errors.js';
import type { SharedFlags } from './command.js';
import type { Surroundings } from './surroundings.js';

/** Which database, and how it is told to people: never with a password. */
export interface DatabaseChoice {
  /** undefined: by the `PG...` variables. */
  url?: string;
  shown: string;
}

/** One of these says that somebody has chosen a database; a password or an SSL mode alone does not. */
const CHOOSING = ['PGHOST', 'PGHOSTADDR', 'PGDATABASE', 'PGUSER', 'PGPORT'];

/** `--url`, else `DATABASE_URL`, else the variables of libpq. @throws QueueError `INVALID_OPTION`. */
export function databaseOf({ url }: Pick<SharedFlags, 'url'>, env: Surroundings['env']): DatabaseChoice {
  if (url !== undefined) return { url, shown: shownUrl('--url', url) };
  if (env.DATABASE_URL) return { url: env.DATABASE_URL, shown: shownUrl('DATABASE_URL', env.DATABASE_URL) };
  if (CHOOSING.some((name) => env[name]))
    return { shown: `${env.PGHOST ?? 'localhost'}:${env.PGPORT ?? 5432}/${env.PGDATABASE ?? env.PGUSER ?? ''}` };
  throw new QueueError(
    'INVALID_OPTION',
    'No database is named. Set DATABASE_URL, give --url postgres://user@host:5432/database, or set PGHOST, PGUSER, PGPASSWORD and PGDATABASE.',
  );
}

/** What is no address is not repeated: it may be a password in the wrong place. */
function shownUrl(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'postgres:' && url?.protocol !== 'postgresql:')
    throw new QueueError(
      'INVALID_OPTION',
      `${name} is no address of the form postgres://user:password@host:5432/database. In a password write % as %25, @ as %40, / as %2F, # as %23.`,
    );
  // As the driver has it: what is said behind the question mark counts.
  const host = url.searchParams.get('host') || url.hostname || 'localhost';
  const port = url.searchParams.get('port') || url.port;
  return `${host}${port ? `:${port}` : ''}${url.pathname}`;
}
