import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SimpleQueueModule } from 'nestjs-simple-queue';
import { GreetingsController } from './greetings/greetings.controller.js';
import { GreetingsModule } from './greetings/greetings.module.js';

// #region module
@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env.DATABASE_URL!,
      autoLoadEntities: true,
    }),
    SimpleQueueModule.forRoot(),
    GreetingsModule,
  ],
  controllers: [GreetingsController],
})
export class AppModule {}
// #endregion
