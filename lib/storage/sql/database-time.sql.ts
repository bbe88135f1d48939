import { statement } from '../statement.js';

/** One time for what several statements insert. */
export const DATABASE_TIME = statement('database_time', `select statement_timestamp()::text as now`);
