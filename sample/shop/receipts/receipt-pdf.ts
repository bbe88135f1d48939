import PDFDocument from 'pdfkit';
import { buffer } from 'node:stream/consumers';
import type { Order } from '../orders/order.js';
import type { Product } from '../orders/product.js';

const MARGIN = 40;
const INK = '#222222';
const FAINT = '#8a8a8a';
const ACCENT = '#8c4a2f';

/** One page of A6: the order, what it was for, and its price. */
export async function drawReceipt(order: Order, product: Product): Promise<Buffer> {
  const pdf = new PDFDocument({
    size: 'A6',
    margin: MARGIN,
    info: { Title: `Receipt ${order.id}`, Author: 'The Coffee Shop' },
  });
  const bytes = buffer(pdf);
  drawHead(pdf, order);
  const rows: [string, string][] = [
    ['Customer', order.customer],
    ['E-mail', order.email],
    ['Item', product.name],
    ['Quantity', String(order.quantity)],
  ];
  rows.forEach(([label, value], row) => drawRow(pdf, label, value, 130 + row * 34));
  drawTotal(pdf, money(order));
  pdf.end();
  return bytes;
}

function drawHead(pdf: PDFKit.PDFDocument, order: Order): void {
  pdf.rect(0, 0, pdf.page.width, 8).fill(ACCENT);
  pdf.fillColor(INK).font('Helvetica-Bold').fontSize(20).text('The Coffee Shop', MARGIN, MARGIN);
  pdf
    .fillColor(FAINT)
    .font('Helvetica')
    .fontSize(9)
    .text(`Receipt ${order.id}`, MARGIN, 70)
    .text(order.day);
  drawRule(pdf, 112);
}

function drawRow(pdf: PDFKit.PDFDocument, label: string, value: string, y: number): void {
  const line = { width: pdf.page.width - 2 * MARGIN, height: 13, ellipsis: true };
  pdf.fillColor(FAINT).font('Helvetica').fontSize(8).text(label, MARGIN, y, line);
  pdf
    .fillColor(INK)
    .fontSize(11)
    .text(printable(value), MARGIN, y + 10, line);
}

function drawTotal(pdf: PDFKit.PDFDocument, total: string): void {
  drawRule(pdf, 284);
  const line = { width: pdf.page.width - 2 * MARGIN, align: 'right' } as const;
  pdf.fillColor(FAINT).font('Helvetica').fontSize(9).text('Paid', MARGIN, 303);
  pdf.fillColor(INK).font('Helvetica-Bold').fontSize(18).text(total, MARGIN, 296, line);
  pdf
    .fillColor(FAINT)
    .font('Helvetica')
    .fontSize(8)
    .text('Thank you, and enjoy your coffee.', MARGIN, 340);
}

function drawRule(pdf: PDFKit.PDFDocument, y: number): void {
  pdf
    .moveTo(MARGIN, y)
    .lineTo(pdf.page.width - MARGIN, y)
    .lineWidth(0.5)
    .strokeColor(FAINT)
    .stroke();
}

function money({ amount, currency }: Order): string {
  return new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
    currencyDisplay: 'code',
  }).format(Number(amount));
}

/** The fonts that every PDF reader brings know Latin-1; a shop with customers elsewhere embeds a font of its own. */
function printable(text: string): string {
  return text.normalize('NFC').replace(/[^\u0020-\u007e\u00a0-\u00ff]/gu, '?');
}
