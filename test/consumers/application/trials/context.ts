import { ClsModule, ClsService } from 'nestjs-cls';
import {
  QueueHandler,
  QueueService,
  SimpleQueueModule,
  type ContextCarrier,
} from 'nestjs-simple-queue';
import { answers, database, tryOut } from './trial.js';

const carrierOf = (cls: ClsService): ContextCarrier => ({
  capture: () => (cls.isActive() ? { tenant: cls.get<string>('tenant') } : undefined),
  restore: ({ headers }, next) =>
    cls.run(() => {
      cls.set('tenant', headers.tenant);
      return next();
    }),
});

@QueueHandler('invoices')
class SendInvoice {
  constructor(private readonly cls: ClsService) {}

  process(): string {
    return this.cls.get<string>('tenant');
  }
}

/** What nestjs-cls holds at the enqueue, it holds in the handler. */
export const carriesContext = () => {
  const queue = SimpleQueueModule.forRootAsync({
    inject: [ClsService],
    useFactory: (cls: ClsService) => ({ carriers: [carrierOf(cls)] }),
  });
  const metadata = {
    imports: [ClsModule.forRoot({ global: true }), database(), queue],
    providers: [SendInvoice],
  };
  return tryOut(metadata, async (app) => {
    const cls = app.get(ClsService);
    const { id } = await cls.run(() => {
      cls.set('tenant', 'acme');
      return app.get(QueueService).enqueue('invoices', {});
    });
    await answers(app, id, 'acme');
  });
};
