import { NestFactory } from '@nestjs/core';
import { ShopModule } from '../shop.module.js';
import type { ShopSettings } from '../shop.settings.js';
import { ScreenLogger } from './screen-logger.js';
import { createScreen } from './screen.js';

// The same shop without its doors: it works the queues, and nothing else.
const settings = JSON.parse(process.env.SHOP_SETTINGS ?? '{}') as ShopSettings;
const logger = new ScreenLogger(createScreen(process.stdout));
const app = await NestFactory.createApplicationContext(ShopModule.forRoot(settings), { logger });
app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
// Whoever started this worker is gone, killed perhaps: nobody is left to end it.
process.on('disconnect', () => process.exit(1));
