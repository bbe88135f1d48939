import { checkSchemaName } from '../lib/job/names.js';
import { inSchema } from './schema.js';
import { WAITING } from './places.js';

/** Kinds of roles, by what their processes do. */
export type RoleKind = 'enqueue' | 'worker' | 'operate' | 'read';

const TURNS = ['head', 'vacant', 'permit', 'key_change', 'key_bucket'];
const KNOWN = ['throttle', 'given_id', 'headroom'];
/** Whoever enqueues may keep schedules, too: they are jobs to come. */
const SCHEDULES = ['schedule', 'tick'];
const WORKFLOWS = ['workflow', 'stage', 'edge', 'step', 'draft', 'undo', 'arrival'];
/** Whoever declares that the ends of a queue are stored as jobs. */
const OUTCOMES = ['outcome'];
const ENDED = ['archive', 'dead_letter'];
/** Only these partitions are read and purged by name. */
const DEFAULTS = ENDED.map((table) => `${table}_default`);
/** What workers count. */
const TALLY = ['tally', 'tally_default'];
/** Whoever acts by `QueueAdmin` leaves its name there. */
const AUDIT = 'operator_action';
const CLAIMS = ['claim', 'lease', 'lapsed'];
/** Whoever enqueues may also enter a limit outside of jobs. */
const LIMITS = ['fleet_limit', 'allotment'];
const SEEN = [
  'version',
  'jobs',
  'queue',
  'lane',
  'job',
  ...WAITING,
  ...TURNS,
  ...KNOWN,
  ...SCHEDULES,
  ...WORKFLOWS,
  ...OUTCOMES,
  ...ENDED,
  ...DEFAULTS,
  ...CLAIMS,
  ...LIMITS,
  ...TALLY,
  AUDIT,
];
const LIVE = ['job', ...WAITING, ...TURNS, ...KNOWN, ...SCHEDULES, ...WORKFLOWS, ...OUTCOMES];

type Grants = Readonly<Record<'select' | 'insert' | 'update' | 'delete', readonly string[]>>;

/**
 * What each kind needs, in one place: the script grants it, the doctor looks for it, and a test runs as each. Rows that are locked are
 * updated in the eyes of the server. Rows of partitions are reached through their table.
 */
export const RIGHTS: Readonly<Record<RoleKind, Grants>> = {
  enqueue: {
    select: SEEN,
    insert: ['queue', 'lane', ...LIVE, 'archive', ...LIMITS, AUDIT],
    update: ['lane', ...LIVE, ...LIMITS, AUDIT],
    delete: [...LIVE, 'allotment'],
  },
  worker: {
    select: SEEN,
    insert: ['queue', 'lane', ...LIVE, ...CLAIMS, ...ENDED, ...LIMITS, 'tally', AUDIT],
    update: [
      'queue',
      'lane',
      ...LIVE,
      ...CLAIMS,
      ...ENDED,
      ...DEFAULTS,
      ...LIMITS,
      ...TALLY,
      AUDIT,
    ],
    delete: [
      'queue',
      'lane',
      ...LIVE,
      ...CLAIMS,
      ...ENDED,
      ...DEFAULTS,
      ...TALLY,
      ...LIMITS,
      AUDIT,
    ],
  },
  operate: {
    select: SEEN,
    insert: ['queue', 'lane', ...LIVE, 'archive', 'fleet_limit', AUDIT],
    update: ['queue', 'lane', ...LIVE, ...ENDED, 'fleet_limit', AUDIT],
    delete: [...LIVE, ...ENDED, ...LIMITS],
  },
  read: { select: SEEN, insert: [], update: [], delete: [] },
};

/** Of ordered groups; whoever only reads draws no turn. */
const drawsTurns = (kind: RoleKind): boolean => kind !== 'read';

/** The same as the doctor asks the server: `right name`, the sequence among them. */
export function rightsOf(kind: RoleKind): string[] {
  const tables = Object.entries(RIGHTS[kind]).flatMap(([right, names]) =>
    names.map((name) => `${right} ${name}`),
  );
  return drawsTurns(kind) ? [...tables, 'usage turn'] : tables;
}

/**
 * For SQL producers that shall neither read nor write the tables: `simple_queue.enqueue` with the rights of its owner. Every name in it has
 * its schema, and its search path ends in pg_temp, so that nothing of the caller's replaces anything.
 */
export const PRODUCE = `create or replace function simple_queue.produce(
  queue text, payload jsonb default null, name text default '', priority int default 0, run_at timestamptz default null,
  delay interval default null, unique_key text default null, fingerprint text default null, headers jsonb default null,
  max_attempts int default null, max_pending int default null, wake boolean default false,
  out id uuid, out created boolean)
language sql volatile security definer set search_path = pg_catalog, pg_temp as $body$
  select e.id, e.created from simple_queue.enqueue(
    produce.queue, produce.payload, produce.name, produce.priority, produce.run_at, produce.delay, produce.unique_key,
    produce.fingerprint, produce.headers, produce.max_attempts, produce.max_pending, produce.wake) e
$body$`;

/** The statements that make the roles `<prefix>_enqueue`, `_worker`, `_operate`, `_read` and `_produce`; they may be run again. */
export function roleScript(schema: string, prefix: string): string[] {
  const kinds = Object.keys(RIGHTS) as RoleKind[];
  checkSchemaName(prefix, 'a prefix for names of roles');
  const texts = [
    ...[...kinds, 'produce'].flatMap((kind) => role(`${prefix}_${kind}`, checkSchemaName(schema))),
    ...kinds.flatMap((kind) => grants(kind, `${prefix}_${kind}`)),
    PRODUCE,
    `revoke all on function simple_queue.produce from public`,
    `grant execute on function simple_queue.produce to ${prefix}_produce`,
  ];
  return texts.map((text) => inSchema(text, schema));
}

function role(name: string, schema: string): string[] {
  return [
    `do $$ begin if to_regrole('${name}') is null then create role ${name} nologin; end if; end $$`,
    `grant usage on schema "${schema}" to ${name}`,
  ];
}

function grants(kind: RoleKind, name: string): string[] {
  const rights = Object.entries(RIGHTS[kind]).filter(([, tables]) => tables.length > 0);
  return [
    ...rights.map(
      ([right, tables]) =>
        `grant ${right} on ${tables.map((table) => `simple_queue.${table}`).join(', ')} to ${name}`,
    ),
    ...(drawsTurns(kind) ? [`grant usage on sequence simple_queue.turn to ${name}`] : []),
  ];
}
