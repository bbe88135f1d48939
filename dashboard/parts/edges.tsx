import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Step } from './answers.js';

/** Lines from the card of each step to those of the steps that wait for it, beneath the cards; what is folded away has none. */
export function Edges({ steps }: { steps: Step[] }) {
  const path = useRef<SVGPathElement>(null);
  useLayoutEffect(() => {
    const svg = path.current!.ownerSVGElement!;
    const layers = svg.parentElement!;
    const draw = (): void => path.current?.setAttribute('d', linesOf(steps, layers, svg));
    draw();
    const resized = new ResizeObserver(draw);
    for (const layer of layers.children) resized.observe(layer);
    return () => resized.disconnect();
  });
  return (
    <svg class="edges" aria-hidden="true">
      <path ref={path} />
    </svg>
  );
}

function linesOf(steps: Step[], layers: Element, svg: Element): string {
  const { left, top } = svg.getBoundingClientRect();
  const boxes = new Map(
    [...layers.querySelectorAll<HTMLElement>('.card')].map((card) => [
      card.dataset.step,
      card.getBoundingClientRect(),
    ]),
  );
  return steps
    .flatMap(({ name, after }) => after.map((before) => [boxes.get(before.name), boxes.get(name)]))
    .map(([from, to]) => {
      if (!from || !to) return '';
      const [x, end] = [from.right - left, to.left - left];
      const [y, endY] = [from, to].map((box) => box.top + Math.min(box.height / 2, 24) - top);
      const middle = (x + end) / 2;
      return `M${x} ${y}C${middle} ${y} ${middle} ${endY} ${end} ${endY}`;
    })
    .join('');
}
