/** Where a goal may be missed: what profiles say, and what was tried. Printed under the goals for those that were missed in the run. */
export const REASONS = {
  "peak RSS / graphile-worker's":
    'A Nest application with TypeORM: 135 MB before its first job, where graphile-worker has 86. The rest is the young generation that V8 lets grow.',
  'drain, deleted / best tuned peer on PostgreSQL':
    'The machine shares its cores with others: the same drain came to 84,000 to 107,000 per second in five rows of one run. In pairs, the code of 2026-11-21 (2.42 then) and this one are equal: 112,000 and 111,000.',
  'drain, 4 processes / 1':
    'A drain of 100,000 takes a second. In it each process compiles its code, which is 0.2 s of CPU per process (0.52 s of the workers for all jobs with one process, 1.13 with four), on two cores that the server shares.',
  'drain, 10 queues / best tuned peer':
    'graphile-worker claims from one table for all names, as this library does. 2.06 on 2026-11-29.',
  'drain, kept / best tuned peer':
    'The best peer, graphile-worker, deletes what we keep: a row and an index entry more per job. Beside pg-boss, which keeps, it is twice as much.',
  'drain, 2 KiB / best tuned peer':
    'The payload costs 12 us of CPU per job here and 11 there, for its copies, its JSON and its deletion; what is left of an empty job is 17 us here and 27 there.',
  'drain under a limit that does not bind (ours-uses) / without':
    'A permit of the named limit per start, beside that of the queue.',
  "database CPU / graphile-worker's best":
    '0.53 to 0.59 where the machine was quick: see the first line.',
  '200 idle queues: statements of all duties a second':
    'Of a process alone, which has all duties, per minute: 30 promotions, 13 looks for leases that ended, 12 renewals, about 30 of the janitor. Of several processes one has each duty.',
  'burst into emptied tables: slowest of the first claims, ms':
    'One claim of ten: what else runs on the machine moves it most. 6 ms on 2026-11-21.',
  'drain, deleted / limit':
    'The limit has no permits, events or fence. What is left is Node.js: about 5 us per job, a quarter of it garbage collection.',
  'enqueue, 20 callers / best of graphile-worker and pg-boss':
    'The best of the two is pg-boss, at 2,800 per second; see the next line.',
  'enqueue, 20 callers / BullMQ on Redis':
    'About 19 jobs share a statement whose commit waits for the disk; Redis replies without one. Worker CPU is 17 us per job, mostly driver and promises. More statements at a time were slower.',
  'enqueue, 1 caller / plain INSERT':
    'A job is two rows in two tables with three indexes; the INSERT is one row with one index. Our JavaScript is 6 us of 0.34 ms.',
  'bulk enqueue / best peer':
    'One transaction on one connection. Tried: binary arrays, constants given once, preparing the next chunk meanwhile (104k to 198k per second), larger chunks (nothing), jsonb[] (7 % slower), constants for what a plain job leaves as it is (nothing). COPY would save 20 % of the server.',
  'enqueue in a transaction / plain INSERT in it':
    'In pairs on a server without fsync, the quickest: INSERT 104 us, job 200 (code of 2026-11-21: 181; the look for the lane is 5 to 8 of that). Two rows instead of one, in tables with domains and eight indexes. In the server alone a job takes 22.9 us and the INSERT 4.6: the row of 26 columns about 11, its place 6, each index that leaves it out 0.5, the check of the table 2.2.',
  'drain beside 1,000,000 future jobs / without':
    'The statements touch as many pages as without the crowd, and the CPU of worker and database grows alike: the machine itself is slower behind a million fresh rows.',
  'drain beside 1,000,000 of another queue / without': 'As above.',
  "idle latency, other process, p50 / graphile-worker's":
    'Counted from the return of the enqueue, which comes 1.0 ms sooner here: from the call both are equal. Tried: handing jobs to idle workers (a tenth; ADR 0059), a plan of its own for claims that settle nothing (1.00 to 0.91 ms), the NOTIFY in the insert (1.29 to 1.00), a claim whose commit does not wait for the disk (1.36 to 1.09; it had to raise the epoch, and rows that the planner met changed its plans).',
  "idle latency, other process, p99 / graphile-worker's": 'As above.',
  'latency at 500/s, other process, p99 / best peer':
    'The best peer is BullMQ on a Redis without fsync. The slowest percent waits for a commit that another one delays.',
  'latency at 500/s, same process, p99 / best peer':
    'The best peer is BullMQ on a Redis without fsync; half of our handlers start within 0.01 ms, since the job is stored as claimed.',
  'drain, 32 KiB / best tuned peer':
    'Server and worker share two cores, and per job each takes 80 us of them for the payload alone: 17 pieces put together and deleted, five copies, the socket. graphile-worker fetches 500 jobs at once; a claim here asks for what has ended since the last one (20 to 40 jobs), so that its plan, its commit and its wake-up are 25 us of a job.',
  'drain, traces of 1 % / without':
    'With `link` each run is a root of its own, and only the sampler of the SDK can say whether it is kept: two random ids, its attributes, the context in which the handler runs. Of 7 us of the worker per job (11 with headers from enqueues that nobody keeps) ours are 1.',
  'drain, traces of all / without': 'As above; a recorded span is about 10 us of the SDK.',
  'drain under a limit that does not bind (ours-rated) / without':
    'Starts are drawn from a row of the database for the next 80 ms, and each start looks at the clock whether its own has lapsed.',
};
