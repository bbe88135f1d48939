import { Inject, Module, Optional, type DynamicModule } from '@nestjs/common';
import { featureProviders } from './feature.providers.js';
import type { JobTarget } from '../job/job-template.js';
import { QueueError } from '../job/queue.errors.js';
import { asyncOptions } from '../options/option-rules.js';
import { refuse } from '../options/resolve-options.js';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  OPTIONS_TYPE,
} from './simple-queue.module-definition.js';
import { IS_SET_UP } from './simple-queue.providers.js';

/** The queue in a Nest application. Import it once, in the root module; further instances by `name`. */
@Module({})
export class SimpleQueueModule extends ConfigurableModuleClass {
  /** @internal Nest makes it. @throws QueueError `MODULE_INVALID`: the class was imported without `forRoot()`. */
  constructor(@Optional() @Inject(IS_SET_UP.provide) isSetUp?: boolean) {
    super();
    if (!isSetUp)
      throw new QueueError(
        'MODULE_INVALID',
        'SimpleQueueModule was imported as it is, which sets nothing up. Import SimpleQueueModule.forRoot() in the root module; other modules need no import, or forFeature([...]).',
      );
  }

  /** @throws QueueError `INVALID_OPTION` at start, with everything that is wrong. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.forRoot(options);
  }

  /** `useFactory` (with `inject` and `imports`), `useClass` or `useExisting`; `name`, `dataSource` and `isGlobal` stand beside them. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    refuse([...asyncOptions(options, ''), ...withoutSource(options ?? {})]);
    return super.forRootAsync(options);
  }

  /**
   * What `@InjectQueue(target)` injects into the providers of the importing module: a `Queue` for each template or name, of the instance
   * `instance`. Handlers, and `QueueService`, need none of it.
   * @throws QueueError `INVALID_NAME`, `MODULE_INVALID`
   */
  static forFeature(targets: readonly JobTarget[], instance = 'default'): DynamicModule {
    const providers = featureProviders(targets, instance);
    return {
      module: SimpleQueueModule,
      providers: [IS_SET_UP, ...providers],
      exports: providers.map(({ provide }) => provide),
    };
  }
}

function withoutSource({ useFactory, useClass, useExisting }: typeof ASYNC_OPTIONS_TYPE): string[] {
  return (useFactory ?? useClass ?? useExisting)
    ? []
    : [
        'forRootAsync does not say where its options come from: give one of useFactory, useClass and useExisting',
      ];
}
