import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Logger as PinoLogger, LoggerModule } from 'nestjs-pino';
import { QueueEventBus } from '../../lib/observability/events.js';
import { attachLogListener } from '../../lib/observability/log-listener.js';

const secret = process.env.SECRET!;
const job = { id: '0190', queue: 'mail', name: 'welcome', attempt: 2 };
const error = {
  name: 'Error',
  code: 'EBUSY',
  message: `smtp://app:${secret}@mail is busy`,
  stack: secret,
};

const module = await Test.createTestingModule({
  imports: [LoggerModule.forRoot({ pinoHttp: [{ level: 'trace' }, process.stdout] })],
}).compile();
Logger.overrideLogger(module.get(PinoLogger));
const events = new QueueEventBus();
attachLogListener(events, new Logger('SimpleQueue'), { structured: true });
events.emit('failed', () => ({ ...job, runMs: 5.4, state: 'failed', output: secret, error }));
events.emit('loopFailed', () => ({
  loop: 'poll',
  restMs: 50,
  error: new Error(`password=${secret}`),
}));
events.emit('warning', () => ({ code: 'PARTITION', message: 'later' }));
await module.close();
