import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SimpleQueueModule } from 'nestjs-simple-queue';
import { Order, Receipt } from './order.js';
import { OrdersService } from './orders.service.js';
import { WriteReceipt } from './write-receipt.handler.js';

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env.DATABASE_URL!,
      entities: [Order, Receipt],
      synchronize: true, // For this example. It leaves the tables of the queue alone.
    }),
    SimpleQueueModule.forRoot(),
  ],
  providers: [OrdersService, WriteReceipt],
})
export class AppModule {}
