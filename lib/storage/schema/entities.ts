import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';
import { checkSchemaName } from '../../job/names.js';
import type { FoundRow } from '../claim/row-mapper.js';

/** A row of the view `jobs`: every job, live or ended. */
export type JobRow = FoundRow & { expires_at: Date | null };

/** For which schema the entities are. */
export interface CreateEntitiesOptions {
  /** Schema of the queue's tables, default `simple_queue`; the same as the module's option `schema`. */
  schema?: string;
}

const COLUMNS: Record<keyof JobRow, EntitySchemaColumnOptions> = {
  id: { type: 'uuid', primary: true },
  queue: { type: 'text' },
  name: { type: 'text' },
  state: { type: 'text' },
  priority: { type: 'smallint' },
  attempt: { type: 'int' },
  stalls: { type: 'smallint' },
  reschedules: { type: 'int' },
  created_at: { type: 'timestamptz' },
  run_at: { type: 'timestamptz' },
  cancel_at: { type: 'timestamptz', nullable: true },
  finished_at: { type: 'timestamptz', nullable: true },
  expires_at: { type: 'timestamptz', nullable: true },
  run_ms: { type: 'int', nullable: true },
  worker: { type: 'text', nullable: true },
  unique_key: { type: 'text', nullable: true },
  fingerprint: { type: 'text', nullable: true },
  options: { type: 'jsonb', nullable: true },
  payload: { type: 'jsonb', nullable: true },
  payload_bytes: { type: 'bytea', nullable: true },
  output: { type: 'jsonb', nullable: true },
  last_error: { type: 'jsonb', nullable: true },
  history: { type: 'jsonb', nullable: true },
  labels: { type: 'text', array: true },
  group_name: { type: 'text', nullable: true },
  commit_by: { type: 'timestamptz', nullable: true },
  progress: { type: 'jsonb', nullable: true },
};

/**
 * TypeORM entities for reading: list them in your DataSource's `entities` and query jobs with a repository. Read only: jobs are
 * written by the library's own statements. `synchronize` and `migration:generate` leave the tables alone.
 */
export function createEntities(options: CreateEntitiesOptions = {}): {
  Jobs: EntitySchema<JobRow>;
} {
  const schema = checkSchemaName(options.schema ?? 'simple_queue');
  return {
    Jobs: new EntitySchema<JobRow>({
      name: `SimpleQueueJob_${schema}`,
      tableName: 'jobs',
      schema,
      synchronize: false,
      columns: COLUMNS,
    }),
  };
}
