import type { RoleKind } from '../storage/diagnosis/diagnosis.js';
import type { SchemaDrift, SchemaPart } from '../storage/schema/schema-drift.js';
import type { Check, Examination } from './check.js';
import { critical, fine, notice, warning, type Observation } from './finding.js';
import { listed, command } from '../runtime/words.js';

const OR_HIDDEN =
  'If they are there, row level security hides the row of "version" from this role.';

async function lookAtVersion({ schema: state, options }: Examination): Promise<Observation[]> {
  const { schema } = options;
  const make = `Run the migrations of createMigrations({ schema: '${schema}' }), or start once with migrate: 'run'.`;
  if (state === 'none')
    return [critical(`There are no queue tables in schema "${schema}".`, `${make} ${OR_HIDDEN}`)];
  if (state === 'denied')
    return [
      critical(
        `This role may not read the tables in schema "${schema}".`,
        `\`${command(['roles'], options)}\` prints the rights that it needs; see docs/learn/roles.md.`,
      ),
    ];
  const { version, compatibleFrom, target } = state;
  const at = `Schema "${schema}" is at version ${version}`;
  if (version < target) return [critical(`${at}, this release needs ${target}.`, make)];
  if (compatibleFrom > target) {
    const problem = `${at}, which this release (${target}) cannot work on.`;
    return [critical(problem, 'Deploy the newer release.')];
  }
  if (version > target) {
    const state = `${at}, newer than this release (${target}), which can work on it.`;
    return [notice(state, 'Finish the deploy.')];
  }
  return [fine(`${at}.`)];
}

/** Without these statements fail, or walk whole tables. */
const NEEDED: ReadonlySet<SchemaPart['kind']> = new Set([
  'table',
  'column',
  'index',
  'function',
  'sequence',
]);
const REPAIR =
  'Create it as the migration of this release does (createMigrations), in a quiet hour.';

const OF_TABLES =
  'An unlogged table is empty after a crash of the server (alter table ... set logged), and row level security hides jobs from workers (disable row level security).';

async function lookAtDrift({ schema, diagnosis }: Examination): Promise<Observation[]> {
  // A newer schema has its own shape, which this release does not know.
  if (typeof schema === 'string' || schema.version !== schema.target) return [];
  const drift = await diagnosis.drift();
  const observed = [...missing(drift), ...changed(drift), ...invalid(drift), ...extra(drift)];
  return observed.length > 0
    ? observed
    : [fine('Tables, columns, indexes and storage parameters are those of the migrations.')];
}

function missing({ missing: parts }: SchemaDrift): Observation[] {
  return bySeverity(parts, (part) => part).map(([observe, some]) =>
    observe(
      `Missing: ${listed(some.map((part) => `${nameOf(part)} ${part.definition}`))}.`,
      REPAIR,
    ),
  );
}

function changed({ changed: parts }: SchemaDrift): Observation[] {
  return bySeverity(parts, ({ should }) => should).map(([observe, some]) =>
    observe(
      `Changed: ${listed(some.map(({ is, should }) => `${nameOf(is)} is ${is.definition} and should be ${should.definition}`))}.`,
      some.some(({ should }) => should.kind === 'table') ? `${REPAIR} ${OF_TABLES}` : REPAIR,
    ),
  );
}

function invalid({ invalid: parts }: SchemaDrift): Observation[] {
  if (parts.length === 0) return [];
  return [
    critical(
      `Not valid, so that no statement uses it: ${listed(parts.map(nameOf))}.`,
      'A build was interrupted, or a partition lacks its index: reindex index concurrently ..., or drop it and create it again.',
    ),
  ];
}

const EXTRA =
  'It costs every job something, or obstructs later migrations. Drop it if nobody needs it.';

function extra({ extra: parts }: SchemaDrift): Observation[] {
  const odd = parts.filter(({ kind }) => kind === 'trigger' || kind === 'parameter');
  const rest = parts.filter((part) => !odd.includes(part));
  return [
    ...(odd.length > 0
      ? [
          warning(
            `Not of the migrations: ${listed(odd.map((part) => `${nameOf(part)} (${part.definition})`))}.`,
            EXTRA,
          ),
        ]
      : []),
    ...(rest.length > 0
      ? [notice(`Not of the migrations: ${listed(rest.map(nameOf))}.`, EXTRA)]
      : []),
  ];
}

type Observe = typeof critical;

function bySeverity<Item>(items: Item[], partOf: (item: Item) => SchemaPart): [Observe, Item[]][] {
  const needed = items.filter((item) => NEEDED.has(partOf(item).kind));
  const rest = items.filter((item) => !needed.includes(item));
  return (
    [
      [critical, needed],
      [warning, rest],
    ] as [Observe, Item[]][]
  ).filter(([, some]) => some.length > 0);
}

const nameOf = ({ kind, owner, name }: SchemaPart): string =>
  `${kind} ${owner === name ? name : `${owner}.${name}`}`;

/** What a role has that is meant for processes of a kind, the most able first. */
const SIGNS: readonly [kind: RoleKind, right: string][] = [
  ['worker', 'lease (insert)'],
  ['operate', 'queue (update)'],
  ['enqueue', 'job (insert)'],
];

/**
 * Of a process without a worker nobody says whether others work with its role, and on the command line nobody says anything: then the role
 * itself does.
 */
async function roleOf({ diagnosis, options, handlers }: Examination) {
  if (options.worker) return { kind: 'worker', ...(await diagnosis.rights('worker')) } as const;
  for (const [kind, right] of handlers ? SIGNS.slice(0, 1) : SIGNS) {
    const rights = await diagnosis.rights(kind);
    if (!rights.missing.includes(right)) return { kind, ...rights };
  }
  const kind: RoleKind = handlers ? 'enqueue' : 'read';
  return { kind, ...(await diagnosis.rights(kind)) };
}

async function lookAtRights(examination: Examination): Promise<Observation[]> {
  const { options } = examination;
  const { kind, usage, missing: lacking, foreign } = await roleOf(examination);
  const advice = `\`${command(['roles'], options)}\` prints the statements; see docs/learn/roles.md.`;
  if (!usage)
    return [critical(`This role has no right to use schema "${options.schema}".`, advice)];
  if (lacking.length > 0) return [critical(`This role lacks rights: ${listed(lacking)}.`, advice)];
  if (foreign.length > 0 && kind === 'worker')
    return [
      warning(
        `Another role owns ${listed(foreign)}: workers of this role cannot create or drop partitions.`,
        'grant <owner> to <role of the workers>, as in docs/operate/deploying.md.',
      ),
    ];
  return [fine(`This role has the rights of its kind (${kind}).`)];
}

/** The tables as such. */
export const SCHEMA_CHECKS: readonly Check[] = [
  { code: 'SCHEMA', subject: 'the version of the tables', look: lookAtVersion },
  {
    code: 'RIGHTS',
    subject: 'the rights of this role',
    look: async (examination) => (examination.schema === 'none' ? [] : lookAtRights(examination)),
  },
  {
    code: 'SCHEMA_DRIFT',
    subject: 'the shape of the tables',
    needsTables: true,
    look: lookAtDrift,
  },
];
