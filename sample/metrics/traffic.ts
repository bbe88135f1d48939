import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { QueueService } from 'nestjs-simple-queue';

const EACH_MS = 100;
const MAILS = ['ann@example.com', 'bob@example.com', 'busy@example.com'].map((to) => ({
  payload: { to },
}));

/** Something to look at: mails all the time, a newsletter now and then, one address that nobody has. */
@Injectable()
export class Traffic implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private ticks = 0;

  constructor(@Inject(QueueService) private readonly queues: QueueService) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.send().catch(() => undefined), EACH_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  async send(): Promise<void> {
    await this.queues.enqueueMany('mails', MAILS);
    if (this.ticks++ % 50 === 0)
      await this.queues.enqueue('mails', { to: 'nobody@example.com' }, { maxAttempts: 1 });
    if (this.ticks % 100 === 0)
      for (let n = 0; n < 20; n++) await this.queues.enqueueMany('newsletters', MAILS);
  }
}
