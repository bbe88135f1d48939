import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SimpleQueueModule } from 'nestjs-simple-queue';
import { SimpleQueueDashboardModule } from 'nestjs-simple-queue/dashboard';
import { FulfilOrder } from './fulfilment/fulfil-order.handler.js';
import { OrdersController } from './orders/orders.controller.js';
import { OrdersService } from './orders/orders.service.js';
import { WriteReceipt } from './receipts/write-receipt.handler.js';
import { SendReminder } from './reminders/send-reminder.handler.js';
import { shopDatabase } from './shop.database.js';
import { ShopSettings } from './shop.settings.js';
import { QueueCounts } from './status/queue-counts.js';
import { StatusController } from './status/status.controller.js';
import { CountStock } from './stock/count-stock.handler.js';
import { SummariseDay } from './summaries/summarise-day.handler.js';
import { CustomersController } from './webhooks/customers.controller.js';
import { DeliverWebhook } from './webhooks/deliver-webhook.handler.js';

/** Silent for this long, a worker has lost its jobs. Shorter than the default of 15 s, because this sample is there to be killed. */
const LEASE_MS = 3_000;

@Module({
  controllers: [OrdersController, CustomersController, StatusController],
  providers: [
    OrdersService,
    QueueCounts,
    FulfilOrder,
    WriteReceipt,
    SendReminder,
    DeliverWebhook,
    SummariseDay,
  ],
})
export class ShopModule {
  static forRoot(settings: ShopSettings): DynamicModule {
    return {
      module: ShopModule,
      imports: [
        TypeOrmModule.forRoot({ ...shopDatabase(settings.databaseUrl), retryAttempts: 1 }),
        SimpleQueueModule.forRoot({
          worker: settings.worker,
          // Over all processes: customers' servers are not ours.
          queues: { webhooks: { fleetConcurrency: 20 } },
          leaseMs: LEASE_MS,
          heartbeatIntervalMs: LEASE_MS / 6,
          reaperIntervalMs: 1_000,
        }),
        // The shop listens to its own machine alone; an application asks who somebody is.
        SimpleQueueDashboardModule.forRoot({ access: () => 'all' }),
      ],
      providers: [
        { provide: ShopSettings, useValue: settings },
        // Its minute is nothing that a test should wait for.
        ...(settings.worker === true ? [CountStock] : []),
      ],
    };
  }
}
