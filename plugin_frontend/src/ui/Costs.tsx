import { useSignal } from "@preact/signals";
import { costsOf, isExpensive } from "../model/costs";
import { number, percent, whole } from "../model/format";
import { costSegments } from "../state/tables";

const ALL = "all";
const brief = (seconds: number) => (seconds > 0 && seconds < 0.001 ? "<0.001" : number(seconds));

/** The share of training time that logging takes, per callback. */
export function Costs() {
  const chosen = useSignal("");
  const segments = costSegments.value;
  const newest = `${segments.at(-1)?.segment ?? ""}`;
  const value = chosen.value || newest;
  const all = costsOf(segments.filter(({ segment }) => value === ALL || `${segment}` === value));
  const { rows, share, training, budget, other } = all;
  const longest = Math.max(other, ...rows.map((row) => row.seconds));
  const anySkipped = rows.some((row) => row.skipped > 0);
  const line = (name: string, seconds: number, cells: (string | null)[], title?: string) => (
    <tr key={name} title={title}>
      <th scope="row">
        {name}
        <i class="cost-bar" style={{ width: `${(100 * seconds) / (longest || 1)}%` }} />
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
          aria-label="Fit"
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
        <p class="dim">No time measured yet.</p>
      ) : (
        <>
          <table class="costs" data-testid="cost-table">
            <thead>
              <tr>
                <th scope="col">Callback</th>
                <th scope="col">share of training</th>
                <th scope="col">s per snapshot</th>
                <th scope="col">snapshots</th>
                {anySkipped && <th scope="col">skipped</th>}
                <th scope="col">s to compile</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ name, seconds, main, snapshots, skipped, compile }) =>
                line(name, seconds, [
                  snapshots > 0 ? brief(main / snapshots) : "–",
                  whole(snapshots),
                  anySkipped ? whole(skipped) : null,
                  brief(compile),
                ]),
              )}
              {line(
                "other",
                other,
                [],
                "Waiting for the background thread that writes the log, and its other work",
              )}
            </tbody>
            <tfoot>
              <tr>
                <th scope="row">total</th>
                <td class={budget !== null && share > budget ? "over" : ""}>{percent(share)}</td>
                <td colSpan={anySkipped ? 3 : 2}>
                  {budget !== null && `at most ${percent(budget)}`}
                </td>
                <td>{brief(all.compile)}</td>
              </tr>
            </tfoot>
          </table>
          {isExpensive(all) && (
            <p class="reason" data-testid="cheaper">
              <code>max_overhead=0.05</code> skips snapshots to stay below 5%;{" "}
              <code>schedule=5</code> takes one every fifth epoch.
            </p>
          )}
          <p class="dim small">
            Time on the main thread and on the background thread that writes the log, relative to{" "}
            {number(training)} s of training without logging. Compiling happens once and is not
            counted.
          </p>
        </>
      )}
    </>
  );
}
