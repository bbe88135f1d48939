import { Module, type ModuleMetadata } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, ExternalContextCreator } from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { QueueEventBus } from '../../lib/observability/events.js';
import { HandlerExplorer } from '../../lib/handlers/handler.explorer.js';
import { HandlerRegistry } from '../../lib/handlers/handler-registry.js';
import { ListenerExplorer } from '../../lib/handlers/listener.explorer.js';
import { MODULE_INSTANCE } from '../../lib/handlers/module-instance.js';
import { NestEnhancers } from '../../lib/handlers/nest-enhancers.js';

export interface Explored {
  registry: HandlerRegistry;
  events: QueueEventBus;
}

/** An application with these providers and the exploring half of the module (no storage), once for each instance name. */
export async function anExploredModule(
  application: ModuleMetadata,
  instances = ['default'],
  overriding = (builder: TestingModuleBuilder): TestingModuleBuilder => builder,
): Promise<Map<string, Explored>> {
  const explored = new Map<string, Explored>();
  const imports = instances.map((instance) => exploring(instance, explored));
  const metadata = { ...application, imports: [...(application.imports ?? []), ...imports] };
  const module = await overriding(Test.createTestingModule(metadata)).compile();
  await module.init();
  return explored;
}

/** The registry of an application with these providers and one unnamed instance of the module. */
export async function handlersAmong(
  ...providers: NonNullable<ModuleMetadata['providers']>
): Promise<HandlerRegistry> {
  return (await anExploredModule({ providers })).get('default')!.registry;
}

function exploring(
  instance: string,
  explored: Map<string, Explored>,
): NonNullable<ModuleMetadata['imports']>[number] {
  const found: Explored = { registry: new HandlerRegistry(), events: new QueueEventBus() };
  explored.set(instance, found);
  return {
    module: Exploring,
    imports: [DiscoveryModule],
    providers: [
      { provide: MODULE_INSTANCE, useValue: instance },
      {
        provide: HandlerExplorer,
        inject: [DiscoveryService, ExternalContextCreator],
        useFactory: (discovery: DiscoveryService, external: ExternalContextCreator) =>
          new HandlerExplorer(discovery, {
            ...found,
            instance,
            enhancers: new NestEnhancers(external, false),
            options: { queues: new Map(), limits: new Map(), schema: 'simple_queue' },
          }),
      },
      {
        provide: ListenerExplorer,
        inject: [DiscoveryService],
        useFactory: (discovery: DiscoveryService) =>
          new ListenerExplorer(discovery, found.events, instance),
      },
    ],
  };
}

@Module({})
class Exploring {}
