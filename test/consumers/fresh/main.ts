import { NestFactory } from '@nestjs/core';
import { QueueService } from 'nestjs-simple-queue';
import { AppModule } from './app.module.js';

// Fresh, without the queue: `simple-queue init` adds the module, the handler and the shutdown hooks.
async function bootstrap() {
  const app = await NestFactory.createApplicationContext(AppModule, {
    logger: ['error'],
    abortOnError: false,
  });
  const { state, output } = await app
    .get(QueueService)
    .enqueueAndWait('greetings', { name: 'Ann' }, { timeoutMs: 60_000 });
  await app.close();
  console.log(`${state}: ${String(output)}`);
}
void bootstrap();
