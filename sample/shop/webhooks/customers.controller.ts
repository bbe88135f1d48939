import {
  Controller,
  Headers,
  HttpException,
  NotFoundException,
  Param,
  Post,
  Req,
  UnauthorizedException,
} from '@nestjs/common';
import type { RawBodyRequest } from '@nestjs/common';
import type { Request } from 'express';
import { setTimeout as rest } from 'node:timers/promises';
import { ShopSettings } from '../shop.settings.js';
import { isSigned } from './signature.js';

/** Longer than any webhook waits. */
const TOO_LONG_MS = 3_000;

/** How the customers' servers answer, by the attempt. */
const ANSWERS: Record<string, (attempt: number) => number | Promise<number>> = {
  steady: () => 200,
  flaky: (attempt) => (attempt === 1 ? 503 : 200),
  slow: (attempt) => (attempt === 1 ? rest(TOO_LONG_MS, 200) : 200),
  broken: () => 500,
  gone: () => 410,
};

/** Tempers whose webhooks never arrive. */
export const HOPELESS = ['broken', 'gone'];

/** Stands in for the servers of the shop's customers, so that the sample needs no network. */
@Controller('customers')
export class CustomersController {
  constructor(private readonly settings: ShopSettings) {}

  @Post(':temper/webhook')
  async receive(
    @Param('temper') temper: string,
    @Req() request: RawBodyRequest<Request>,
    @Headers() headers: Record<string, string | undefined>,
  ): Promise<{ received: string }> {
    const answer = Object.hasOwn(ANSWERS, temper) ? ANSWERS[temper] : undefined;
    if (!answer) throw new NotFoundException(`There is no ${temper} customer.`);
    const body = request.rawBody?.toString() ?? '';
    if (!isSigned(body, headers['webhook-signature'], this.settings.webhookSecret))
      throw new UnauthorizedException('Not signed by the shop.');
    const status = await answer(Number(headers['webhook-attempt']));
    if (status !== 200) throw new HttpException(`The ${temper} customer answers so.`, status);
    return { received: headers['webhook-id'] ?? '' };
  }
}
