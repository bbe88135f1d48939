import pg from 'pg';
import type { Run } from '../../lib/storage/connection/connections.js';
import type { Database } from '../../lib/storage/connection/database.js';
import { statement, type Statement } from '../../lib/storage/connection/statement.js';
import type { TestDatabase } from './database.js';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Subplan Name'?: string;
  'Actual Loops': number;
  'Actual Rows': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  'Rows Removed by Join Filter'?: number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: PlanNode[];
}

/** What executing a statement has cost, as PostgreSQL tells it. */
export interface Cost {
  name: string;
  /** Tables that were walked whole. */
  walked: string[];
  /** Rows that were read for nothing. */
  removed: number;
  blocks: number;
}

class RolledBack extends Error {}

/** What the planner knows of a table is what a spec lets it know, however long a run takes. */
export async function withoutAutovacuum(database: TestDatabase): Promise<void> {
  const tables = await database.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'simple_queue'::regnamespace and relkind = 'r'`,
  );
  for (const { name } of tables)
    await database.query(`alter table simple_queue."${name}" set (autovacuum_enabled = off)`);
}

/** Opens the transaction in which a statement is explained: where the session's settings come from. */
type Begin = <T>(work: (run: Run) => Promise<T>) => Promise<T>;

/** A database that explains each statement before it runs it: executed, measured and rolled back. */
export function explaining(
  database: Database,
  begin: Begin = (work) => database.loops.transaction(work),
): { database: Database; run: Run; costs: Cost[] } {
  const costs: Cost[] = [];
  const measure = async (asked: Statement, values: unknown[]) =>
    void costs.push(costOf(asked.name, await explained(begin, asked, values)));
  const run: Run = async <Row>(asked: Statement, values: unknown[]) => {
    await measure(asked, values);
    return database.loops.run<Row>(asked, values);
  };
  const rows = async (asked: Statement, values: unknown[]) => {
    await measure(asked, values);
    return database.loops.rows(asked, values);
  };
  const transaction = <T>(work: (within: Run) => Promise<T>) => work(run);
  const connections = { run, rows, transaction };
  const waiters = { ...connections, about: () => connections };
  return {
    database: {
      loops: connections,
      callers: connections,
      waiters,
      settlers: connections,
    } as unknown as Database,
    run,
    costs,
  };
}

async function explained(begin: Begin, asked: Statement, values: unknown[]): Promise<PlanNode> {
  const given = values.length > 0 ? `(${values.map(literal).join(', ')})` : '';
  let plan: PlanNode | undefined;
  const measured = begin(async (run) => {
    // A prepared statement, as the loops use them: only so does the session's plan_cache_mode decide how it is planned.
    await run(statement('', `prepare explained as ${asked.text}`), []);
    const explain = `explain (analyze, buffers, format json) execute explained${given}`;
    const [row] = await run<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(statement('', explain), []);
    await run(statement('', 'deallocate explained'), []);
    plan = row!['QUERY PLAN'][0].Plan;
    throw new RolledBack();
  });
  await measured.catch((error) => {
    if (!(error instanceof RolledBack)) throw error;
  });
  return plan!;
}

/** A value as a parameter would carry it, as text of a statement. */
function literal(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (isBinaryArray(value)) return literal(elementsOf(value));
  return pg.escapeLiteral(
    Array.isArray(value) ? `{${value.map(element).join(',')}}` : textOf(value),
  );
}

/** By their types' numbers: how a binary element reads as text (lib/storage/connection/binary-array.ts writes them). */
const READERS: Record<number, (bytes: Buffer) => unknown> = {
  16: (bytes) => bytes[0] === 1,
  17: (bytes) => bytes,
  20: (bytes) => bytes.readBigInt64BE(0),
  21: (bytes) => bytes.readInt16BE(0),
  23: (bytes) => bytes.readInt32BE(0),
  25: (bytes) => bytes.toString(),
  701: (bytes) => bytes.readDoubleBE(0),
  1184: (bytes) => new Date(Number(bytes.readBigInt64BE(0) / 1_000n) + Date.UTC(2000, 0)),
  2950: (bytes) => bytes.toString('hex'),
};

const isBinaryArray = (value: unknown): value is Buffer =>
  Buffer.isBuffer(value) &&
  value.length >= 20 &&
  value.readInt32BE(0) === 1 &&
  value.readInt32BE(8) in READERS;

function elementsOf(array: Buffer): unknown[] {
  const read = READERS[array.readInt32BE(8)]!;
  const elements: unknown[] = [];
  for (let at = 20; at < array.length;) {
    const length = array.readInt32BE(at);
    elements.push(length < 0 ? null : read(array.subarray(at + 4, at + 4 + length)));
    at += 4 + Math.max(0, length);
  }
  return elements;
}

const element = (value: unknown): string =>
  value === null || value === undefined
    ? 'null'
    : `"${textOf(value).replaceAll(/[\\"]/g, String.raw`\$&`)}"`;

function textOf(value: unknown): string {
  if (Buffer.isBuffer(value)) return String.raw`\x${value.toString('hex')}`;
  return value instanceof Date ? value.toISOString() : String(value);
}

function costOf(name: string, root: PlanNode): Cost {
  const nodes = [...everyNode(root)];
  const walked = nodes
    .filter((node) => node['Node Type'] === 'Seq Scan' && rowsRead(node) > 0)
    .map((node) => node['Relation Name']!);
  // What changes data may run after the root has ended: it is counted apart.
  const parts = [
    root,
    ...(root.Plans ?? []).filter((node) => node['Subplan Name']?.startsWith('CTE')),
  ];
  const blocks = parts.map((node) => node['Shared Hit Blocks'] + node['Shared Read Blocks']);
  return {
    name,
    walked: [...new Set(walked)],
    removed: sum(nodes.map(rowsRemoved)),
    blocks: sum(blocks),
  };
}

const rowsRead = (node: PlanNode): number =>
  node['Actual Rows'] * node['Actual Loops'] + rowsRemoved(node);

const REMOVALS = [
  'Rows Removed by Filter',
  'Rows Removed by Index Recheck',
  'Rows Removed by Join Filter',
] as const;

const rowsRemoved = (node: PlanNode): number =>
  REMOVALS.reduce((removed, by) => removed + (node[by] ?? 0), 0) * node['Actual Loops'];

function* everyNode(node: PlanNode): Generator<PlanNode> {
  yield node;
  for (const child of node.Plans ?? []) yield* everyNode(child);
}

const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0);
