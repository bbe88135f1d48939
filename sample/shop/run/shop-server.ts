import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Server } from 'node:http';
import { ShopModule } from '../shop.module.js';
import type { ShopSettings } from '../shop.settings.js';
import { HOST } from './listening.js';
import type { Screen } from './screen.js';
import { ScreenLogger } from './screen-logger.js';

/** The shop over HTTP. `useProcessExit`: a signal ends in `process.exit`, where the embedded PostgreSQL is stopped, too. */
export async function openShop(
  settings: ShopSettings,
  screen: Screen,
): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(ShopModule.forRoot(settings), {
    // What goes wrong before the shop is open is thrown, and told once.
    logger: false,
    rawBody: true,
    abortOnError: false,
  });
  app.useLogger(new ScreenLogger(screen));
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  await app.listen(new URL(settings.url).port, HOST);
  closeIdleConnections(app.getHttpServer());
  return app;
}

/** Closing waits for requests under way; their connections would stay open for seconds after the answer. */
function closeIdleConnections(server: Server): void {
  server.on('request', (_request, response) => {
    response.once(
      'close',
      () => server.listening || setImmediate(() => server.closeIdleConnections()),
    );
  });
}
