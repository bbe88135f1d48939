import { Controller, Module, Param, Post } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SimpleQueueModule } from 'nestjs-simple-queue';
import { GreetingsModule } from './greetings.module.js';
import { GreetingsService } from './greetings.service.js';

// #region controller
@Controller('greetings')
export class GreetingsController {
  constructor(private readonly greetings: GreetingsService) {}

  /** Answers the id of the job; its handler runs after that. */
  @Post(':name')
  greet(@Param('name') name: string): Promise<string> {
    return this.greetings.greet(name);
  }
}
// #endregion

// #region module
@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env.DATABASE_URL,
      autoLoadEntities: true,
    }),
    SimpleQueueModule.forRoot(),
    GreetingsModule,
  ],
  controllers: [GreetingsController],
})
export class AppModule {}
// #endregion
