import type { Attributes } from '@opentelemetry/api';

/** What the semantic conventions for messaging (1.43, in development) and ours call things. */
export const SYSTEM = 'nestjs_simple_queue';

export const ATTRIBUTE = {
  system: 'messaging.system',
  operation: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  queue: 'messaging.destination.name',
  jobId: 'messaging.message.id',
  batchSize: 'messaging.batch.message_count',
  errorType: 'error.type',
  instance: 'simple_queue.instance',
  jobName: 'simple_queue.job.name',
  attempt: 'simple_queue.attempt',
  outcome: 'simple_queue.outcome',
  state: 'simple_queue.state',
  limit: 'simple_queue.limit',
  loop: 'simple_queue.loop',
  trouble: 'simple_queue.trouble',
  result: 'simple_queue.poll.result',
} as const;

export const operation = (name: string, type: string, queue: string): Attributes => ({
  [ATTRIBUTE.system]: SYSTEM,
  [ATTRIBUTE.operation]: name,
  [ATTRIBUTE.operationType]: type,
  [ATTRIBUTE.queue]: queue,
});

/** Instead of a name that would be one too many. */
export const OTHER = '_OTHER';

const MAX_LENGTH = 100;

/** Keeps the values of a label few: names beyond the first `max` count as one. */
export class FewNames {
  private readonly known = new Set<string>();

  constructor(private readonly max: number) {}

  of(name: string): string {
    const short = name.slice(0, MAX_LENGTH);
    if (this.known.has(short)) return short;
    if (this.known.size >= this.max) return OTHER;
    this.known.add(short);
    return short;
  }
}
