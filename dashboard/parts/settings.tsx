import type { Setting } from './answers.js';
import { Table } from './small.js';
import { span } from './words.js';

/** Those whose number is a time. */
const TIMES = /^(timeoutMs|archive|deadLetter)$/;

function wordsOf({ name, value }: Setting): string {
  if (typeof value === 'number' && TIMES.test(name)) return span(value);
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([part, each]) => `${part} ${/Ms$/.test(part) ? span(each as number) : each}`)
      .join(', ');
  return String(value);
}

/** What holds, and who says so: folded, since it is seldom what one came for. */
export function Settings({ settings }: { settings: Setting[] }) {
  return (
    <details>
      <summary>Settings as they resolve</summary>
      <Table label="Settings" heads={['setting', 'value', 'from']}>
        {settings.map((setting) => (
          <tr key={setting.name}>
            <th scope="row">{setting.name}</th>
            <td>{wordsOf(setting)}</td>
            <td>{setting.from}</td>
          </tr>
        ))}
      </Table>
      <p class="quiet">As this process has them; what a handler says comes first.</p>
    </details>
  );
}
