import { statement } from '../connection/statement.js';

/** A wake-up, sent after the commit it speaks of: in a transaction it would take a database-wide lock at commit. */
export const NOTIFY = statement('notify', `select pg_catalog.pg_notify($1, $2)`);
