import { useSignal } from "@preact/signals";
import { costsOf, isDear } from "../costs";
import { number, percent, whole } from "../format";
import { costSegments } from "../store/tables";

const ALL = "all";
const brief = (seconds: number) => (seconds > 0 && seconds < 0.001 ? "<0.001" : number(seconds));

/** What looking takes of training, callback by callback. */
export function Costs() {
  const chosen = useSignal("");
  const segments = costSegments.value;
  const newest = `${segments.at(-1)?.segment ?? ""}`;
  const value = chosen.value || newest;
  const all = costsOf(segments.filter(({ segment }) => value === ALL || `${segment}` === value));
  const { rows, share, training, budget, rest } = all;
  const most = Math.max(rest, ...rows.map((row) => row.seconds));
  const thinned = rows.some((row) => row.skipped > 0);
  const line = (name: string, seconds: number, cells: (string | null)[], title?: string) => (
    <tr key={name} title={title}>
      <th scope="row">
        {name}
        <i class="cost-bar" style={{ width: `${(100 * seconds) / (most || 1)}%` }} />
      </th>
      {[percent(training > 0 ? seconds / training : null), ...cells].map(
        (text, i) => text !== null && <td key={i}>{text}</td>,
      )}
    </tr>
  );
  return (
    <>
      {segments.length > 1 && (
        <select
          class="variant"
          data-testid="cost-fit"
          aria-label="Which fit"
          value={value}
          onChange={(event) => {
            chosen.value = event.currentTarget.value;
          }}
        >
          {segments.map(({ segment }) => (
            <option key={segment} value={`${segment}`}>
              fit {segment}
            </option>
          ))}
          <option value={ALL}>all fits</option>
        </select>
      )}
      {share === null ? (
        <p class="dim">No cost was logged yet.</p>
      ) : (
        <>
          <table class="costs" data-testid="cost-table">
            <thead>
              <tr>
                <th scope="col">Callback</th>
                <th scope="col">of training</th>
                <th scope="col">s a look</th>
                <th scope="col">looks</th>
                {thinned && <th scope="col">left out</th>}
                <th scope="col">compile s</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ name, seconds, main, snapshots, skipped, compile }) =>
                line(name, seconds, [
                  snapshots > 0 ? brief(main / snapshots) : "–",
                  whole(snapshots),
                  thinned ? whole(skipped) : null,
                  brief(compile),
                ]),
              )}
              {line(
                "the rest",
                rest,
                [],
                "Waiting for the writer's thread, and what else it costs",
              )}
            </tbody>
            <tfoot>
              <tr>
                <th scope="row">together</th>
                <td class={budget !== null && share > budget ? "over" : ""}>{percent(share)}</td>
                <td colSpan={thinned ? 3 : 2}>{budget !== null && `at most ${percent(budget)}`}</td>
                <td>{brief(all.compile)}</td>
              </tr>
            </tfoot>
          </table>
          {isDear(all) && (
            <p class="reason" data-testid="cheaper">
              <code>max_overhead=0.05</code> leaves snapshots out to stay below 5&nbsp;%;{" "}
              <code>schedule=tbviz.every(epochs=5)</code> snapshots every fifth epoch.
            </p>
          )}
          <p class="dim small">
            Seconds on the main thread, and what the writer's thread costs, over {number(training)}{" "}
            s of training itself. Compiling comes once and is not counted.
          </p>
        </>
      )}
    </>
  );
}
