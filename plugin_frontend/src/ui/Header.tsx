import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { tooltip } from "../commands";
import type { RunEntry, Status } from "../model/answers";
import { duration, percent, plural } from "../model/format";
import { label } from "../model/positions";
import { switchRun } from "../state/poll";
import {
  logdir,
  newestSegment,
  paused,
  positions,
  run,
  runIndex,
  runs,
  secondsSince,
  segmentCount,
} from "../state/run";
import { panel } from "../state/shell";
import { costs } from "../state/tables";
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
    <label class="chip" title="Run to show">
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

/** Update the list entry of the open run: the list is polled less often. */
function known(entry: RunEntry): RunEntry {
  if (entry.run !== run.value || runIndex.value === null) return entry;
  const status = newestSegment.value?.status ?? null;
  return { ...entry, positions: positions.value.length, status };
}

function describe(entry: RunEntry, several: boolean): string {
  const name = entry.run === "." ? logdirName() : entry.run;
  const size = entry.positions === null ? [] : [plural(entry.positions, "step")];
  const status = entry.status === null ? "" : statusText(entry.status);
  return several ? [name, ...size, status].filter(Boolean).join(" · ") : name;
}

/** Return the last part of the log directory, the name of the run in it. */
const logdirName = () => logdir.value.split(/[/\\]/).findLast((part) => part !== "") ?? ".";

const statusText = (status: Status) => (status === "lost" ? "ended unexpectedly" : status);

const EXPLAINED: Record<Status, string> = {
  live: "Training is running; the time is that of the last logged data.",
  finished: "Training ran to its planned end.",
  stopped: "Training ended before the last planned epoch.",
  failed: "Training ended with an error.",
  unreadable: "The log has a format that this version of tbviz does not read.",
  lost: "No end was recorded and no new data arrives: the process was probably killed.",
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
        {statusText(status)}
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
  const count = (runIndex.value?.segments ?? []).reduce((sum, { damaged = 0 }) => sum + damaged, 0);
  if (count === 0) return null;
  return (
    <b
      class="status bad"
      data-testid="damaged"
      title={`${plural(count, "damaged section")}; tbviz inspect LOG_DIR lists them`}
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
        logging +{percent(share)} time
      </span>
    </CommandButton>
  );
}

function NoticesButton() {
  const list = runIndex.value?.notices ?? [];
  if (list.length === 0) return null;
  const warns = list.some((notice) => notice.level === "warning");
  return (
    <CommandButton id="notices" class="quiet" pressed={panel.value === "notices"}>
      {plural(list.length, "notice")}
      {warns && <i class="dot warn" aria-hidden="true" />}
    </CommandButton>
  );
}
