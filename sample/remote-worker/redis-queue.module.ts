import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { JobQueue } from 'nestjs-simple-queue/pull';
import { RedisJobQueue, type RedisJobQueueOptions } from 'nestjs-simple-queue/redis';
import { createClient } from 'redis';

class Connection implements OnApplicationShutdown {
  constructor(readonly client: ReturnType<typeof createClient>) {}

  onApplicationShutdown(): void {
    this.client.destroy();
  }
}

/** The same contract without PostgreSQL. Claims take back what expired leases held: nobody else is needed. */
@Module({})
export class RedisQueueModule {
  static forRoot(url: string, options: Omit<RedisJobQueueOptions, 'client'>): DynamicModule {
    return {
      module: RedisQueueModule,
      providers: [
        { provide: Connection, useFactory: () => connected(url) },
        {
          provide: JobQueue,
          useFactory: ({ client }: Connection) => RedisJobQueue.start({ ...options, client }),
          inject: [Connection],
        },
      ],
      exports: [JobQueue],
    };
  }
}

async function connected(url: string): Promise<Connection> {
  const client = createClient({ url });
  // Calls report what is wrong with the connection.
  client.on('error', () => undefined);
  await client.connect();
  return new Connection(client as Connection['client']);
}
