import { Module, type DynamicModule, type FactoryProvider, type Provider } from '@nestjs/common';
import type { ASYNC_OPTIONS_TYPE, OPTIONS_TYPE } from '../module/simple-queue.module-definition.js';
import { SimpleQueueModule } from '../module/simple-queue.module.js';
import { RESOLUTION } from '../module/simple-queue.providers.js';
import type { Resolution } from '../options/resolve-options.js';
import { getSimpleQueueOptionsToken } from '../module/tokens.js';
import { forTests } from './test-options.js';

/** The part of Nest's TestingModuleBuilder that is used here; the package does not depend on `@nestjs/testing`. */
interface Overridable<Builder> {
  overrideProvider(token: string): {
    useFactory(options: {
      factory: (resolution: Resolution) => unknown;
      inject: symbol[];
    }): Builder;
  };
}

/**
 * `SimpleQueueModule` for tests: the same options and the real tables, and nothing runs before the test says so. Of the options three
 * mean less: `worker.autoStart` is false, `wakeUp` is `off`, and `shutdownGraceMs` is 200 at most.
 */
@Module({})
export class SimpleQueueTestingModule extends SimpleQueueModule {
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return withoutLoops(super.forRoot(options), options.name);
  }

  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return withoutLoops(super.forRootAsync(options), options.name);
  }

  /**
   * The same for an application that imports `SimpleQueueModule` itself:
   * `SimpleQueueTestingModule.override(Test.createTestingModule({ imports: [AppModule] }))`, once for each named instance.
   */
  static override<Builder extends Overridable<unknown>>(
    builder: Builder,
    instance?: string,
  ): Builder {
    const provider = builder.overrideProvider(getSimpleQueueOptionsToken(instance));
    return provider.useFactory({ factory: ofResolution, inject: [RESOLUTION] }) as Builder;
  }
}

function withoutLoops(definition: DynamicModule, instance: string | undefined): DynamicModule {
  const token = getSimpleQueueOptionsToken(instance);
  const isOptions = (provider: Provider): provider is FactoryProvider =>
    'provide' in provider && provider.provide === token;
  const providers = definition.providers!.map((provider) =>
    isOptions(provider) ? { ...provider, useFactory: ofResolution } : provider,
  );
  return { ...definition, providers };
}

const ofResolution = ({ options }: Resolution) => forTests(options);
