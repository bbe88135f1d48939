import type { LoggerService } from '@nestjs/common';
import type { Screen } from './screen.js';

/** Shows errors alone, above the progress bar: retries are business as usual, and the live counts have them. */
export class ScreenLogger implements LoggerService {
  constructor(private readonly screen: Screen) {}

  log(): void {}
  warn(): void {}

  error(message: unknown): void {
    this.screen.say(`  error: ${String(message)}`);
  }

  fatal(message: unknown): void {
    this.error(message);
  }
}
