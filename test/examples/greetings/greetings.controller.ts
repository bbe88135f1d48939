import { Controller, Param, Post } from '@nestjs/common';
import { GreetingsService } from './greetings.service.js';

@Controller('greetings')
export class GreetingsController {
  constructor(private readonly greetings: GreetingsService) {}

  /** Returns the id of the job; its handler runs afterwards. */
  @Post(':name')
  greet(@Param('name') name: string): Promise<string> {
    return this.greetings.greet(name);
  }
}
