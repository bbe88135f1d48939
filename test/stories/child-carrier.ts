// An application with the real nestjs-cls, which Jest can't load on Node.js 20 (it requires the modules of Nest). Says what its handler sees.
import 'reflect-metadata';
import { Controller, Inject, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClsService } from 'nestjs-cls';
import { QueueHandler, QueueService, type Enqueued } from 'nestjs-simple-queue';
import { TenantsModule } from '../examples/cls.carrier.js';

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

@Controller('orders')
class OrdersController {
  constructor(@Inject(QueueService) private readonly queues: QueueService) {}

  @Post()
  place(): Promise<Enqueued> {
    return this.queues.enqueue('receipts', {});
  }
}

@QueueHandler('receipts')
class WriteReceipt {
  constructor(@Inject(ClsService) private readonly cls: ClsService) {}

  async process(): Promise<void> {
    await Promise.resolve();
    say({ event: 'ran', tenant: this.cls.get<string | undefined>('tenant') ?? 'nobody' });
  }
}

@Module({ imports: [TenantsModule], controllers: [OrdersController], providers: [WriteReceipt] })
class ShopModule {}

const app = await NestFactory.create(ShopModule, { logger: ['error'], abortOnError: false });
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
say({ event: 'ready', url: await app.getUrl() });
await app.get(QueueService).enqueue('receipts', {});
