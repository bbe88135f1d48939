import { Module, type DynamicModule } from '@nestjs/common';
import { featureProviders } from './feature.providers.js';
import type { JobTarget } from './job/job-template.js';
import { asyncOptions } from './option-rules.js';
import { refuse } from './resolve-options.js';
import { ASYNC_OPTIONS_TYPE, ConfigurableModuleClass, OPTIONS_TYPE } from './simple-queue.module-definition.js';

/** The queue in a Nest application. Import it once, in the root module; further instances by `name`. */
@Module({})
export class SimpleQueueModule extends ConfigurableModuleClass {
  /** @throws QueueError `INVALID_OPTION` at start, with everything that is wrong. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.forRoot(options);
  }

  /** `useFactory` (with `inject` and `imports`), `useClass` or `useExisting`; `name`, `dataSource` and `isGlobal` stand beside them. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    refuse(asyncOptions(options, ''));
    return super.forRootAsync(options);
  }

  /**
   * What `@InjectQueue(target)` injects into the providers of the importing module: a `Queue` for each template or name, of the instance
   * `instance`. Handlers, and `QueueService`, need none of it.
   * @throws QueueError `INVALID_NAME`, `MODULE_INVALID`
   */
  static forFeature(targets: readonly JobTarget[], instance = 'default'): DynamicModule {
    const providers = featureProviders(targets, instance);
    return { module: SimpleQueueModule, providers, exports: providers.map(({ provide }) => provide) };
  }
}
