import {
  ConfigurableModuleBuilder,
  Module,
  type ConfigurableModuleAsyncOptions,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { QueueError } from '../job/queue.errors.js';
import { getSimpleQueueOptionsToken, getStorageToken } from '../module/tokens.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Storage } from '../storage/storage.js';
import { controllerOf } from './dashboard.controller.js';
import {
  checkDashboardExtras,
  checkDashboardOptions,
  type SimpleQueueDashboardExtras,
  type SimpleQueueDashboardOptions,
} from './dashboard.options.js';
import { Desk } from './desk.js';
import { sourceOf } from './source.js';

type AsyncOptions = ConfigurableModuleAsyncOptions<
  SimpleQueueDashboardOptions,
  'createSimpleQueueDashboardOptions'
> &
  SimpleQueueDashboardExtras;

const GIVEN = Symbol('nestjs-simple-queue:dashboard-options');

// Keys of the defaults are what forRoot keeps out of the options, so every extra is named.
const EXTRAS: SimpleQueueDashboardExtras = {
  path: 'queues',
  guards: [],
  imports: [],
  instances: ['default'],
};

const { ConfigurableModuleClass: DashboardModuleClass } =
  new ConfigurableModuleBuilder<SimpleQueueDashboardOptions>({
    optionsInjectionToken: GIVEN,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createSimpleQueueDashboardOptions')
    .setExtras(EXTRAS, withController)
    .build();

/** The dashboard of the queues in a Nest application, as a controller of it. Import it beside `SimpleQueueModule`. */
@Module({})
export class SimpleQueueDashboardModule extends DashboardModuleClass {
  /** @throws QueueError `INVALID_OPTION` at once, or at start, with everything that is wrong. */
  static override forRoot(
    options: SimpleQueueDashboardOptions & SimpleQueueDashboardExtras = {},
  ): DynamicModule {
    return super.forRoot(options);
  }

  /** `useFactory` (with `inject` and `imports`), `useClass` or `useExisting`; `path`, `guards` and `instances` stand beside them. */
  static override forRootAsync(options: AsyncOptions): DynamicModule {
    return super.forRootAsync(options);
  }
}

function withController(
  definition: DynamicModule,
  { path, guards, imports = [], instances = ['default'] }: SimpleQueueDashboardExtras,
): DynamicModule {
  checkDashboardExtras({ path, guards, imports, instances });
  return {
    ...definition,
    imports: [...(definition.imports ?? []), ...imports],
    controllers: [controllerOf({ path, guards })],
    providers: [
      ...(definition.providers ?? []),
      {
        provide: Desk,
        inject: [GIVEN],
        useFactory: (given: unknown) => new Desk(checkDashboardOptions(given)),
      },
      {
        provide: DeskKeeper,
        inject: [Desk, ModuleRef],
        useFactory: (desk: Desk, modules: ModuleRef) => new DeskKeeper(desk, modules, instances),
      },
    ],
  };
}

/** Opens the desk with the application, and closes it with it. */
class DeskKeeper implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    private readonly desk: Desk,
    private readonly modules: ModuleRef,
    private readonly instances: readonly string[],
  ) {}

  onModuleInit(): void {
    for (const name of this.instances)
      this.desk.open(
        sourceOf(
          name,
          this.found<Storage>(getStorageToken(name), name),
          this.found<ResolvedOptions>(getSimpleQueueOptionsToken(name), name),
        ),
      );
  }

  beforeApplicationShutdown(): void {
    this.desk.hangUp();
  }

  onApplicationShutdown(): Promise<void> {
    return this.desk.close();
  }

  private found<Provider>(token: string, instance: string): Provider {
    try {
      return this.modules.get<Provider>(token, { strict: false });
    } catch {
      throw new QueueError(
        'MODULE_INVALID',
        `SimpleQueueDashboardModule found no instance "${instance}" of SimpleQueueModule. Import SimpleQueueModule.forRoot() beside it, and name in \`instances\` what its \`name\` is.`,
      );
    }
  }
}
