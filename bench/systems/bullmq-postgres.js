import { createPostgresBackend, withBackend } from 'bullmq';
import { openOn } from './bullmq.js';

const CLASSES = withBackend(createPostgresBackend);

/** BullMQ on PostgreSQL, else as on Redis. */
export const open = (settings) =>
  openOn({ ...CLASSES, connection: { connectionString: settings.url, migrate: true } }, settings);
