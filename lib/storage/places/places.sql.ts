import { MAY_RUN, ofLane, WAITING, type WaitingPlace } from '../../../migrations/places.js';

export { MAY_RUN, ofLane, WAITING, type WaitingPlace } from '../../../migrations/places.js';

/** What a place repeats of its job, in the order of its columns. */
const COLUMNS = {
  ready: 'lane, shard, priority, run_at, id, epoch',
  fair_ready: 'lane, shard, group_name, priority, run_at, id, epoch',
  suspect: 'lane, shard, suspicion, run_at, id, epoch',
  scheduled: 'run_at, shard, id, lane, priority, epoch',
  keyed: 'limit_key, shard, queue, priority, run_at, id, lane, epoch',
  staged: 'id, shard, lane, epoch',
};

type Place = keyof typeof COLUMNS;

const MEMBERS: Readonly<Record<Place, string>> = {
  ready: 'readied',
  fair_ready: 'fairly',
  suspect: 'suspected',
  scheduled: 'scheduled',
  keyed: 'keyed',
  staged: 'staged',
};

/** What `keys.sql.ts` reads of a job that was put into `keyed`. */
const KEY = 'limit_key, queue';

/** A job stands in the first of these places whose condition it meets; beside each is its contrary. What meets none is ready. */
const CONDITIONS: readonly (readonly [Place, string, string])[] = [
  ['staged', 'commit_by is not null', 'commit_by is null'],
  ['scheduled', 'run_at > statement_timestamp()', 'run_at <= statement_timestamp()'],
  ['keyed', 'limit_key is not null', 'limit_key is null'],
  ['suspect', 'suspicion > 0', 'suspicion = 0'],
  ['fair_ready', 'fair', 'fair is null'],
];

/** Which jobs stand in a place, where they may stand in any of `places`. */
function standing(place: Place, places: readonly Place[]): string {
  const asked = CONDITIONS.filter(([other]) => places.includes(other));
  const own = asked.findIndex(([other]) => other === place);
  const passed = (own < 0 ? asked : asked.slice(0, own)).map(([, , contrary]) => contrary);
  return [
    ...passed,
    ...asked.filter(([other]) => other === place).map(([, condition]) => condition),
  ].join(' and ');
}

/**
 * Members of a `with` that put the jobs of `from` into their places: whoever stores or moves jobs names those that they may come to, and
 * each job finds its own. `returning` is for who counts them.
 */
export function placed(
  from: string,
  places: readonly Place[],
  returning: Partial<Record<Place, string>> = {},
): string {
  const member = (place: Place): string => {
    const where = places.length > 1 ? ` where ${standing(place, places)}` : '';
    const told = returning[place] ?? (place === 'keyed' ? KEY : undefined);
    const answer = told ? `\n    returning ${told}` : '';
    return `${MEMBERS[place]} as (
    insert into simple_queue.${place} (${COLUMNS[place]})
    select ${COLUMNS[place].replace('shard', '$1')} from ${from}${where}${answer})`;
  };
  return places.map(member).join(',\n  ');
}

/** The rows of these places that are of this lane, `limit` of each. */
export const inLane = (
  places: readonly string[],
  lane: string,
  { limit, columns = '1' }: { limit: string; columns?: string },
): string =>
  places
    .map((place) => `(select ${columns} from ${ofLane(place, lane)} limit ${limit})`)
    .join(' union all\n      ');

/**
 * Since when the first rows of lane `l` wait that may run. The oldest of `ready` is the first of one of its priorities, so only those are
 * read, 1,000 at most; of the others, whose time is not what they are kept by, the first 1,000.
 */
export const WAITING_SINCE = `with recursive step as (
      (select priority, run_at from simple_queue.ready where lane = l.id and shard = $1 order by priority, run_at limit 1)
      union all
      select n.priority, n.run_at from step s cross join lateral (
        select priority, run_at from simple_queue.ready where lane = l.id and shard = $1 and priority > s.priority
        order by priority, run_at limit 1) n)
    (select run_at from step limit 1000) union all
      ${inLane(MAY_RUN.slice(1), 'l.id', { limit: '1000', columns: 'run_at' })}`;

/** By what a place has its key, beside the shard. */
const KEYS = {
  ready: ['lane', 'priority', 'run_at', 'id'],
  fair_ready: ['lane', 'group_name', 'priority', 'run_at', 'id'],
  suspect: ['lane', 'suspicion', 'run_at', 'id'],
  scheduled: ['run_at', 'id'],
  blocked: ['group_name', 'queue', 'seq'],
  keyed: ['limit_key', 'queue', 'priority', 'run_at', 'id'],
  staged: ['id'],
} satisfies Record<WaitingPlace, readonly string[]>;

/** The first row of each lane and priority (group, suspicion) of a place, `most` of them: one step along its key each, whatever waits behind. */
function firsts(place: (typeof MAY_RUN)[number], most: number): string {
  const [lane, ...rest] = KEYS[place].slice(0, KEYS[place].indexOf('run_at'));
  const columns = [lane, ...rest].join(', ');
  const first = (
    where: string,
  ): string => `select ${columns}, run_at from simple_queue.${place} where ${where}shard = $1
      order by ${columns}, run_at limit 1`;
  const behind = `(${[lane, 'shard', ...rest].join(', ')}) > (${[`s.${lane}`, '$1', ...rest.map((each) => `s.${each}`)].join(', ')})`;
  return `first_${place} as (
    select f.*, 1 as n from (
      ${first('')}) f
    union all
    select f.*, s.n + 1 from first_${place} s cross join lateral (
      ${first(`${behind} and `)}) f
    where s.n < ${most})`;
}

/** Members of a recursive `with`: `first` has lane and time of what may run, the first of each lane and priority, `most` of a place. */
export const firstsWaiting = (
  most: number,
): string => `${MAY_RUN.map((place) => firsts(place, most)).join(',\n  ')},
  first as (${MAY_RUN.map((place) => `select lane, run_at from first_${place}`).join(' union all ')})`;

/** Places that repeat the time of their job. */
export const TIMED = WAITING.filter((place) =>
  (KEYS[place] as readonly string[]).includes('run_at'),
);

/** The row `p` of a place is that of the job `job`. */
export function isPlaceOf(place: WaitingPlace, job: string): string {
  const [first, ...rest] = KEYS[place].map((column) => `p.${column} = ${job}.${column}`);
  return [first, 'p.shard = $1', ...rest].join(' and ');
}

/** The row `p` of a place repeats what its job `j` says: by a lane or a key that is not the job's, nobody finds one from the other. */
export function repeatsJob(place: WaitingPlace): string {
  const columns = [...new Set(['id', 'shard', 'lane', ...KEYS[place]])];
  const of = (row: string): string => columns.map((column) => `${row}.${column}`).join(', ');
  return `(${of('p')}) = (${of('j')})`;
}

/** The stretch of a key in which the places of the jobs of `from` lie: which values, and from where to where. */
const STRETCHES: Partial<Record<WaitingPlace, { values: readonly string[]; range?: string }>> = {
  ready: { values: ['lane', 'priority'], range: 'run_at' },
  fair_ready: { values: ['lane', 'group_name'] },
  scheduled: { values: [], range: 'run_at' },
  blocked: { values: ['group_name', 'queue'], range: 'seq' },
  keyed: { values: ['limit_key', 'queue'] },
};

/** Which jobs alone may stand in a place. */
const OWN_JOBS: Partial<Record<WaitingPlace, string>> = {
  fair_ready: 'fair',
  keyed: 'limit_key is not null',
};

const REMOVALS = {
  ready: 'unready',
  fair_ready: 'unfair',
  suspect: 'unsuspected',
  scheduled: 'unscheduled',
  blocked: 'unblocked',
  keyed: 'unkeyed',
} as const;

/**
 * Members that take the jobs of `from` out of the places where they wait: the place row is locked first and decides. It is found by its key
 * and deleted by its ctid; for the sake of callers' planners, which may believe a full table empty and walk the key instead, the stretch of
 * the key is given too.
 */
export function unplaced(
  from: string,
  places: readonly (keyof typeof REMOVALS)[],
  where?: string,
): string {
  const member = (place: keyof typeof REMOVALS): string => {
    const own = OWN_JOBS[place];
    const some = own ? `${from} where ${own}` : from;
    const only = [own && `t.${own}`, where]
      .filter((condition) => condition !== undefined)
      .join(' and ');
    const { values, range } = STRETCHES[place] ?? { values: [] };
    const stretch = [
      ...values.map((column) => `${column} = any(array(select distinct ${column} from ${some}))`),
      ...(range
        ? [
            `${range} between (select pg_catalog.min(${range}) from ${some}) and (select pg_catalog.max(${range}) from ${some})`,
          ]
        : []),
    ];
    return `${REMOVALS[place]} as (
    delete from simple_queue.${place} where ${['shard = $1', ...stretch].join('\n      and ')} and ctid = any(array(
      select p.ctid from ${from} t cross join lateral (
        select ctid from simple_queue.${place} p where ${isPlaceOf(place, 't')} for update) p${only ? ` where ${only}` : ''})) returning id)`;
  };
  return places.map(member).join(',\n  ');
}
