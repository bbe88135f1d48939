import { statement } from './statement.js';

/** Who serves, the port that it is asked from, and the server's version. As text: it runs on a connection of the application, too. */
export const BACKEND = statement(
  'backend',
  `select pg_catalog.pg_backend_pid()::text as pid, pg_catalog.inet_client_port()::text as port,
    pg_catalog.current_setting('server_version_num') as version`,
);
