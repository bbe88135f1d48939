/**
 * The pull contract on Redis 7 and Valkey, for edges that have no PostgreSQL.
 * @module nestjs-simple-queue/redis
 */
export {
  RedisJobQueue,
  type RedisClient,
  type RedisJobQueueOptions,
} from './redis/redis-job-queue.js';
