import { startPostgres } from './local-postgres.ts';

// What local-postgres.spec.ts kills: a process that has a server and waits.
const { dataDir, url } = await startPostgres();
console.log(JSON.stringify({ dataDir, url }));
setInterval(() => undefined, 60_000);
