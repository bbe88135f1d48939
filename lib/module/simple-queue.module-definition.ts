import { ConfigurableModuleBuilder, type DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { moduleExtras } from '../options/option-rules.js';
import { refuse } from '../options/resolve-options.js';
import type { SimpleQueueOptions } from '../options/simple-queue.options.js';
import {
  exportedTokens,
  GIVEN_OPTIONS,
  IS_SET_UP,
  queueProviders,
} from './simple-queue.providers.js';
import type { DataSourceChoice } from '../storage/connection/data-source-token.js';

/** What must be known before any provider is made: tokens depend on it. It is beside the options of `forRoot` and `forRootAsync`. */
interface SimpleQueueModuleExtras {
  /** Other modules inject without importing the module, default true. */
  isGlobal?: boolean;
  /** Names a further instance of the module, with tokens of its own: `getToken(QueueService, name)`. Default `default`. */
  name?: string;
  /** The DataSource to join, its token (class or symbol), or its name as in `getDataSourceToken`; default: the application's. */
  dataSource?: DataSourceChoice;
}

/** What a class given as `useClass` or `useExisting` implements. */
export interface SimpleQueueOptionsFactory {
  createSimpleQueueOptions(): SimpleQueueOptions | Promise<SimpleQueueOptions>;
}

// Keys of the defaults are what forRoot keeps out of the options, so every extra is named.
const EXTRAS: SimpleQueueModuleExtras = { isGlobal: true, name: 'default', dataSource: undefined };

export const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SimpleQueueOptions>({
    optionsInjectionToken: GIVEN_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createSimpleQueueOptions')
    .setExtras(EXTRAS, withProviders)
    .build();

function withProviders(
  definition: DynamicModule,
  { isGlobal = true, name = 'default', dataSource }: SimpleQueueModuleExtras,
): DynamicModule {
  refuse(moduleExtras({ isGlobal, name, dataSource }, ''));
  return {
    ...definition,
    global: isGlobal,
    imports: [...(definition.imports ?? []), DiscoveryModule],
    providers: [...(definition.providers ?? []), IS_SET_UP, ...queueProviders(name, dataSource)],
    exports: exportedTokens(name),
  };
}
