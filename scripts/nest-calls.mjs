/**
 * What a call of a handler costs in its process, by what stands around it: no database, no settling.
 * node --import ./test/support/typescript.mjs scripts/nest-calls.mjs
 */
import 'reflect-metadata';
import {
  Injectable,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import {
  ContextIdFactory,
  DiscoveryModule,
  DiscoveryService,
  ExternalContextCreator,
  NestFactory,
} from '@nestjs/core';
import { QueueHandler } from '../lib/decorators/queue-handler.decorator.js';
import { QueueEventBus } from '../lib/observability/events.js';
import { HandlerExplorer } from '../lib/handlers/handler.explorer.js';
import { HandlerRegistry } from '../lib/handlers/handler-registry.js';
import { MODULE_INSTANCE } from '../lib/handlers/module-instance.js';
import { NestEnhancers } from '../lib/handlers/nest-enhancers.js';
import { aRun } from '../test/support/runs.js';

const ROUND_MS = 300;
const ROUNDS = 5;
const ABREAST = 100;

const guard = { canActivate: () => true };
const interceptor = { intercept: (_, next) => next.handle() };
const pipe = { transform: (value) => value };
const filter = { catch: () => undefined };

class Handling {
  async process() {}
}

const kind = (...decorators) => {
  class Kind extends Handling {}
  for (const decorate of [QueueHandler('work'), ...decorators]) decorate(Kind);
  return Kind;
};

const perRequest = Injectable({ scope: Scope.REQUEST });
const durable = Injectable({ scope: Scope.REQUEST, durable: true });

const KINDS = {
  plain: kind(),
  'a guard': kind(UseGuards(guard)),
  'an interceptor': kind(UseInterceptors(interceptor)),
  'guard, interceptor, pipe, filter': kind(
    UseGuards(guard),
    UseInterceptors(interceptor),
    UsePipes(pipe),
    UseFilters(filter),
  ),
  'request-scoped': kind(perRequest),
  'request-scoped, a guard': kind(perRequest, UseGuards(guard)),
  'durable, one tenant': kind(durable),
};

async function handlerOf(type) {
  const registry = new HandlerRegistry();
  const explorer = {
    provide: HandlerExplorer,
    inject: [DiscoveryService, ExternalContextCreator],
    useFactory: (discovery, external) =>
      new HandlerExplorer(discovery, {
        registry,
        instance: 'default',
        events: new QueueEventBus(),
        enhancers: new NestEnhancers(external, false),
      }),
  };
  const metadata = {
    imports: [DiscoveryModule],
    providers: [type, { provide: MODULE_INSTANCE, useValue: 'default' }, explorer],
  };
  class Measured {}
  Module(metadata)(Measured);
  const application = await NestFactory.createApplicationContext(Measured, { logger: false });
  await application.init();
  return registry.all()[0];
}

/** The best round: others were disturbed by the machine. */
async function microsecondsOf({ run }) {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    let calls = 0;
    const start = process.cpuUsage();
    const end = performance.now() + ROUND_MS;
    while (performance.now() < end) {
      await Promise.all(Array.from({ length: ABREAST }, () => run(aRun(), {})));
      calls += ABREAST;
    }
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / calls);
  }
  return best;
}

const tenant = ContextIdFactory.create();
for (const [name, type] of Object.entries(KINDS)) {
  if (name.startsWith('durable')) ContextIdFactory.apply({ attach: () => () => tenant });
  const us = await microsecondsOf(await handlerOf(type));
  console.log(
    `${name.padEnd(36)} ${us.toFixed(1).padStart(7)} us of CPU a call, ${Math.round(1e6 / us)} calls/s`,
  );
}
