import { QueueError, type QueueErrorCode } from '../job/queue.errors.js';
import { EXIT } from './exit-code.js';
import type { Screen } from './show/screen.js';
import { command, type Called } from '../runtime/words.js';

/** The caller's mistakes: nothing was done. */
const USAGE: ReadonlySet<string> = new Set([
  'INVALID_OPTION',
  'INVALID_NAME',
  'INVALID_PAYLOAD',
  'PAYLOAD_TOO_LARGE',
] satisfies QueueErrorCode[]);

type Hint = string | ((called: Called) => string);

const HINTS: Partial<Record<QueueErrorCode, Hint>> = {
  SCHEMA_BEHIND: (called) =>
    `Run \`${command(['migrate', 'up'], called)}\`, or name the right --schema.`,
  SCHEMA_AHEAD: 'Use the newer release of nestjs-simple-queue.',
  DATABASE_UNAVAILABLE:
    'Is the server up, the address right, and a connection of the pooler free, if there is one?',
};

const UNFIT = (called: Called): string =>
  `The tables are not those of this release. \`${command(['doctor'], called)}\` says what is missing.`;

/** Words of TLS, which has no SQLSTATE; the driver speaks English whatever the server does. */
const HINTS_OF_TLS: readonly [words: RegExp, hint: string][] = [
  [/client password must be/, 'Give the password in the address, or in PGPASSWORD.'],
  [/does not support SSL/, 'Leave sslmode out of the address, or turn TLS on at the server.'],
  [
    /certificate/,
    'Name the authority of its certificate (?sslmode=verify-full&sslrootcert=ca.pem), or do without checking it (?sslmode=no-verify). "require" checks it, too.',
  ],
];

/** By SQLSTATE: what only whoever set up the database can put right. */
const HINTS_BY_STATE: Readonly<Record<string, Hint>> = {
  '28P01': 'Check user and password (in the address, or PGPASSWORD).',
  '25006':
    'This server only reads: it is a standby, or sessions are read-only there. Name the primary.',
  '28000':
    'Check user and password, and pg_hba.conf; where it asks for TLS, add ?sslmode=require to the address.',
  '3D000': 'Check the name of the database.',
  '42P01': UNFIT,
  '42703': UNFIT,
  '42883': UNFIT,
  '42501': (called) =>
    `This role may not do that. Acts take the rights of queue_operate, "maintain" those of queue_worker (\`${command(['roles'], called)}\`), or the owner of the tables.`,
  '53300':
    'Close some connections, or raise the CONNECTION LIMIT of the role or database that is named, else max_connections.',
  '57014': 'It took longer than --timeout allows.',
  '55P03': 'Another transaction holds a lock. Try again, or see who holds it in pg_stat_activity.',
};

/** Says what went wrong and what to do; returns the exit code. */
export function explainError(screen: Screen, error: unknown, called: Called): number {
  if (!(error instanceof QueueError)) {
    screen.complain({
      code: 'UNEXPECTED',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return EXIT.trouble;
  }
  const hint = hintOf(error);
  screen.complain(error, typeof hint === 'function' ? hint(called) : hint);
  return USAGE.has(error.code) ? EXIT.usage : EXIT.trouble;
}

function hintOf(error: QueueError): Hint | undefined {
  const state = stateOf(error);
  if (state !== undefined) return HINTS_BY_STATE[state] ?? HINTS[error.code];
  const isOfDatabase = error.code === 'DATABASE_ERROR' || error.code === 'DATABASE_UNAVAILABLE';
  const tls = isOfDatabase ? HINTS_OF_TLS.find(([words]) => words.test(error.message)) : undefined;
  return tls?.[1] ?? HINTS[error.code];
}

function stateOf(error: QueueError): string | undefined {
  const { sqlState } = { ...(error.cause as object | undefined), ...error } as {
    sqlState?: string;
  };
  return sqlState;
}
