import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ClsModule, ClsService } from 'nestjs-cls';
import { SimpleQueueModule, type ContextCarrier, type Job } from 'nestjs-simple-queue';

// #region carrier
/** What a job keeps of the request that enqueued it. */
export class ClsCarrier implements ContextCarrier {
  constructor(
    private readonly cls: ClsService,
    private readonly keys: string[],
  ) {}

  capture(): Record<string, string> | undefined {
    if (!this.cls.isActive()) return undefined; // A script, a cron job: nothing to carry.
    const values = this.keys.map((key) => [key, this.cls.get<string | undefined>(key)]);
    return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >;
  }

  restore({ headers }: Job, next: () => Promise<void>): Promise<void> {
    return this.cls.run(() => {
      for (const key of this.keys) if (headers[key] !== undefined) this.cls.set(key, headers[key]);
      return next();
    });
  }
}
// #endregion

interface WebRequest {
  headers: Record<string, string | undefined>;
}

// #region module
@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url: process.env.DATABASE_URL! }),
    ClsModule.forRoot({
      global: true,
      middleware: {
        mount: true,
        setup: (cls, { headers }: WebRequest) => cls.set('tenant', headers['x-tenant']),
      },
    }),
    SimpleQueueModule.forRootAsync({
      inject: [ClsService],
      useFactory: (cls: ClsService) => ({ carriers: [new ClsCarrier(cls, ['tenant'])] }),
    }),
  ],
})
export class TenantsModule {}
// #endregion
