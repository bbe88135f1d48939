import { Module } from '@nestjs/common';
import { GreetingsHandler } from './greetings.handler.js';
import { GreetingsService } from './greetings.service.js';

@Module({
  providers: [GreetingsHandler, GreetingsService],
  exports: [GreetingsService],
})
export class GreetingsModule {}
