import { say } from './acting.js';
import { Text } from './small.js';

/** A text that can be taken along. On plain HTTP browsers have no clipboard for pages: the old way works there. */
export function Copy({
  text,
  label,
  told = 'Copied.',
}: {
  text: string;
  label?: string;
  told?: string;
}) {
  const copy = async (): Promise<void> => {
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(text);
      else copyByHand(text);
      say(told);
    } catch {
      say('The browser does not let this page copy.', true);
    }
  };
  return (
    <span class="copy">
      {!label && (
        <code>
          <Text>{text}</Text>
        </code>
      )}{' '}
      <button type="button" class="link" onClick={() => void copy()}>
        {label ?? 'Copy'}
      </button>
    </span>
  );
}

function copyByHand(text: string): void {
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  if (!done) throw new Error('refused');
}
