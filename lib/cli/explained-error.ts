import { QueueError, type QueueErrorCode } from '../job/queue.errors.js';
import { EXIT } from './exit-code.js';
import type { Screen } from './screen.js';

/** The caller's mistakes: nothing was done. */
const USAGE: ReadonlySet<string> = new Set([
  'INVALID_OPTION',
  'INVALID_NAME',
  'INVALID_PAYLOAD',
  'PAYLOAD_TOO_LARGE',
] satisfies QueueErrorCode[]);

const HINTS: Partial<Record<QueueErrorCode, string>> = {
  SCHEMA_BEHIND: 'Run "simple-queue migrate up", or name the right --schema.',
  SCHEMA_AHEAD: 'Use the newer release of nestjs-simple-queue.',
  DATABASE_UNAVAILABLE: 'Is the server up, and the address right?',
};

/** By SQLSTATE: what only whoever set up the database can put right. */
const HINTS_BY_STATE: Readonly<Record<string, string>> = {
  '28P01': 'Check user and password.',
  '28000': 'Check user and password, and pg_hba.conf.',
  '3D000': 'Check the name of the database.',
  '42501': 'This role may not do that. Grant it the rights, or use the role that owns the tables.',
  '53300': 'The server has no connection left. Close some, or raise max_connections.',
  '57014': 'It took longer than --timeout allows.',
  '55P03': 'Another transaction holds a lock. Try again, or see who holds it in pg_stat_activity.',
};

/** Says what went wrong and what to do; answers the exit code. */
export function explainError(screen: Screen, error: unknown): number {
  if (!(error instanceof QueueError)) {
    screen.complain({ code: 'UNEXPECTED', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    return EXIT.trouble;
  }
  screen.complain(error, HINTS_BY_STATE[stateOf(error) ?? ''] ?? HINTS[error.code]);
  return USAGE.has(error.code) ? EXIT.usage : EXIT.trouble;
}

function stateOf(error: QueueError): string | undefined {
  const { sqlState } = { ...(error.cause as object | undefined), ...error } as { sqlState?: string };
  return sqlState;
}
