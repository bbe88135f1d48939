import {
  Body,
  Controller,
  Delete,
  Get,
  HttpStatus,
  NotFoundException,
  Param,
  Post,
  Res,
  StreamableFile,
} from '@nestjs/common';
import type { Response } from 'express';
import type { FoundWorkflow, WorkflowState } from 'nestjs-simple-queue/workflows';
import { DataSource } from 'typeorm';
import { Receipt } from '../receipts/receipt.js';
import type { Order } from './order.js';
import { readOrder } from './order-form.js';
import { OrdersService } from './orders.service.js';

/** How far its saga has come: each step with its state, and what became of its compensation. */
interface Fulfilment {
  state: WorkflowState;
  steps: Record<string, string>;
}

@Controller('orders')
export class OrdersController {
  constructor(
    private readonly orders: OrdersService,
    private readonly dataSource: DataSource,
  ) {}

  /** 201 for a new order, 200 for one that is known already, 400 or 409 with the reasons for a bad one. */
  @Post()
  async place(
    @Body() body: unknown,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Order> {
    const { order, isNew } = await this.orders.place(readOrder(body));
    if (!isNew) response.status(HttpStatus.OK);
    return order;
  }

  @Get(':id')
  async find(@Param('id') id: string): Promise<Order & { fulfilment: Fulfilment | null }> {
    const order = await this.orders.find(id);
    const found = await this.orders.fulfilmentOf(order);
    return { ...order, fulfilment: found ? shown(found) : null };
  }

  @Delete(':id')
  cancel(@Param('id') id: string): Promise<{ order: Order; remindersCancelled: number }> {
    return this.orders.cancel(id);
  }

  @Get(':id/receipt')
  async receipt(@Param('id') id: string): Promise<StreamableFile> {
    const receipt = await this.dataSource.manager.findOneBy(Receipt, { orderId: id });
    if (!receipt) throw new NotFoundException(await this.whyNoReceipt(id));
    return new StreamableFile(receipt.pdf, {
      type: 'application/pdf',
      disposition: `inline; filename="receipt-${id}.pdf"`,
    });
  }

  private async whyNoReceipt(id: string): Promise<string> {
    const { state } = await this.orders.find(id);
    return state === 'cancelled'
      ? `Order ${id} was cancelled.`
      : `The receipt of order ${id} is not written yet, ask again soon.`;
  }
}

function shown({ state, steps }: FoundWorkflow): Fulfilment {
  const states = steps.map(({ name, state: step, compensation }) => {
    const undone = compensation && compensation.state !== 'unused';
    return [name, undone ? `${step}, compensation ${compensation.state}` : step];
  });
  return { state, steps: Object.fromEntries(states) as Record<string, string> };
}
