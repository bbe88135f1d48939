import {
  Controller,
  Get,
  Inject,
  Post,
  Req,
  Res,
  UseGuards,
  VERSION_NEUTRAL,
  type Type,
} from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { SimpleQueueDashboardExtras } from './dashboard.options.js';
import { Desk, type Errand } from './desk.js';

/** What Fastify gives in the place of a response. */
interface Reply {
  raw?: ServerResponse;
  hijack?(): void;
  getHeaders?(): Record<string, number | string | string[] | undefined>;
}

type Route = [method: string, decorator: MethodDecorator, errand: Errand];

const ROUTES: readonly Route[] = [
  ['page', Get(), 'page'],
  ['events', Get('events'), 'events'],
  ['asset', Get('assets/:file'), 'asset'],
  ['look', Get('api/:look'), 'look'],
  ['act', Post('api/:action'), 'act'],
];

/**
 * A controller like the application's own, so that prefixes, versions, guards and routers are Nest's business. It takes requests and
 * responses as they are: pipes judge no parts of them, and interceptors have nothing to wrap.
 */
export function controllerOf({ path = 'queues', guards = [] }: SimpleQueueDashboardExtras): Type {
  class SimpleQueueDashboardController {
    constructor(readonly desk: Desk) {}
  }
  const { prototype } = SimpleQueueDashboardController;
  for (const [method, decorator, errand] of ROUTES) {
    const value = function (this: SimpleQueueDashboardController, request: unknown, reply: Reply) {
      return this.desk.serve(errand, request, rawOf(reply));
    };
    Object.defineProperty(prototype, method, { value, configurable: true, writable: true });
    decorator(prototype, method, Object.getOwnPropertyDescriptor(prototype, method)!);
    Req()(prototype, method, 0);
    Res()(prototype, method, 1);
  }
  Controller({ path, version: VERSION_NEUTRAL })(SimpleQueueDashboardController);
  if (guards.length > 0) UseGuards(...guards)(SimpleQueueDashboardController);
  Inject(Desk)(SimpleQueueDashboardController, undefined, 0);
  // It is nobody's interface: @nestjs/swagger leaves it out.
  Reflect.defineMetadata('swagger/apiExcludeController', [true], SimpleQueueDashboardController);
  return SimpleQueueDashboardController;
}

/** Node's own response; what hooks of Fastify have put on theirs comes along. */
function rawOf(reply: Reply): ServerResponse {
  if (!reply.raw || !reply.hijack) return reply as ServerResponse;
  for (const [name, value] of Object.entries(reply.getHeaders?.() ?? {}))
    if (value !== undefined) reply.raw.setHeader(name, value);
  reply.hijack();
  return reply.raw;
}
