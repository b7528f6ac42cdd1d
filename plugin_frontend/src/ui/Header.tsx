import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunHead, Status } from "../api";
import { tooltip } from "../commands";
import { duration, percent, plural } from "../format";
import { label } from "../positions";
import { switchRun } from "../store/poll";
import {
  heads,
  newestSegment,
  paused,
  positions,
  run,
  runs,
  secondsSince,
  segmentCount,
} from "../store/run";
import { panel } from "../store/shell";
import { costs } from "../store/tables";
import { CommandButton } from "./CommandButton";

export function Header() {
  return (
    <header class="top">
      <h1 class="brand">tbviz</h1>
      <RunPicker />
      <span class="space" />
      <RunStatus />
      <Damage />
      <CostButton />
      <NoticesButton />
      <CommandButton id="link" cap class="quiet" />
      <CommandButton id="save" cap class="quiet" />
      <CommandButton id="help" cap class="quiet" pressed={panel.value === "help"} />
    </header>
  );
}

function RunPicker() {
  const list = runs.value ?? [];
  if (list.length === 0) return null;
  return (
    <label class="chip" title="The run to look at">
      <i class={`dot ${newestSegment.value?.status ?? ""}`} aria-hidden="true" />
      <span class="sr">Run</span>
      <select
        data-testid="run"
        value={run.value ?? ""}
        onChange={(event) => switchRun(event.currentTarget.value)}
      >
        {list.map((entry) => (
          <option key={entry.run} value={entry.run}>
            {describe(known(entry), list.length > 1)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** More is known of the open run than the list says, which is asked for less often. */
function known(entry: RunHead): RunHead {
  if (entry.run !== run.value || heads.value === null) return entry;
  const status = newestSegment.value?.status ?? null;
  return { ...entry, positions: positions.value.length, status };
}

function describe(entry: RunHead, several: boolean): string {
  const name = entry.run === "." ? "this directory" : entry.run;
  const size = entry.positions === null ? [] : [plural(entry.positions, "position")];
  return several ? [name, ...size, entry.status ?? ""].filter(Boolean).join(" · ") : name;
}

const EXPLAINED: Record<Status, string> = {
  live: "The fit is running; this is how long ago it last wrote.",
  finished: "The fit ran to its planned end.",
  stopped: "The fit ended before the last planned epoch.",
  failed: "The fit ended with an error.",
  unreadable: "The fit was logged in a format that this tbviz does not read.",
  lost: "No end was written, and nothing comes: the process is probably gone.",
};

function RunStatus() {
  const second = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => {
      second.value += 1;
    }, 1000);
    return () => clearInterval(timer);
  }, [second]);
  const segment = newestSegment.value;
  if (segment === null) return null;
  void second.value;
  const { status, last, ended, reason } = segment;
  const order = paused.value;
  const since = positions.value[order?.position ?? -1];
  const moment = status === "live" || status === "lost" ? last : (ended ?? last);
  const ago =
    moment === null ? "" : ` ${status === "live" ? "· " : ""}${duration(secondsSince(moment))} ago`;
  return (
    <span class="status" data-testid="status" data-status={status}>
      <span title={[EXPLAINED[status], reason].filter(Boolean).join(" ")}>
        {status}
        {ago}
      </span>
      {order !== null && (
        <b data-testid="paused" title={order.text}>
          {" "}
          · paused{since !== undefined && ` since ${label(since)}`}
        </b>
      )}
    </span>
  );
}

function Damage() {
  const count = (heads.value?.segments ?? []).reduce((sum, { damaged = 0 }) => sum + damaged, 0);
  if (count === 0) return null;
  return (
    <b
      class="status bad"
      data-testid="damaged"
      title={`${plural(count, "place")}; tbviz inspect LOG_DIR says which`}
    >
      damaged
    </b>
  );
}

function CostButton() {
  const { share } = costs.value;
  if (share === null) return null;
  return (
    <CommandButton id="costs" class="quiet" pressed={panel.value === "costs"}>
      <span data-testid="cost" title={`${tooltip("costs")}; fit ${segmentCount.value}`}>
        cost {percent(share)}
      </span>
    </CommandButton>
  );
}

function NoticesButton() {
  const list = heads.value?.notices ?? [];
  if (list.length === 0) return null;
  const warns = list.some((notice) => notice.level === "warning");
  return (
    <CommandButton id="notices" class="quiet" pressed={panel.value === "notices"}>
      {plural(list.length, "notice")}
      {warns && <i class="dot warn" aria-hidden="true" />}
    </CommandButton>
  );
}
