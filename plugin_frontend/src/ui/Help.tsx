import { commands } from "../commands";
import { keyCap } from "../keys";
import { letters, setLetters } from "../store/shell";

export function Help() {
  return (
    <>
      <table class="keys">
        <tbody>
          {commands.map((entry) => (
            <tr key={entry.id}>
              <td>
                {entry.keys.map((key) => (
                  <kbd key={key}>{keyCap(key)}</kbd>
                ))}
              </td>
              <td>{entry.help}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <label class="check">
        <input
          type="checkbox"
          checked={letters.value}
          onChange={(event) => setLetters(event.currentTarget.checked)}
        />
        Single letters are commands
      </label>
      <p class="dim">
        A click on a curve or on the heat map goes to that position, one on a tile enlarges its
        channel. A step can be typed: <code>12</code>, or <code>2:12</code> for epoch 12 of fit 2.
      </p>
    </>
  );
}
