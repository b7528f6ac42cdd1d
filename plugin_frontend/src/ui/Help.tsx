import { commands } from "../commands";
import { keyCap } from "../host/keys";
import { letters, setLetters } from "../state/shell";

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
        Enable single-key shortcuts
      </label>
      <p class="dim">
        Click a curve or the heat map to go to that epoch, or a tile to enlarge its channel. To go
        to a step, type it in the epoch field: <code>12</code>, or <code>2:12</code> for epoch 12 of
        fit 2. Epochs count from 0, as in Keras: epoch 4 is the 5th.
      </p>
    </>
  );
}
