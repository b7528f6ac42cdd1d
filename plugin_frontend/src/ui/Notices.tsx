import { capitalized } from "../model/format";
import { label } from "../model/positions";
import { moveTo } from "../state/cursor";
import { runIndex, segmentCount } from "../state/run";
import { selectLayer } from "../state/selection";
import { Icon } from "./icons";

/** Skipped items and warnings, with their remedies: the newest first. */
export function Notices() {
  if (runIndex.value === null) return null;
  const { notices, positions } = runIndex.value;
  return (
    <>
      {notices.length === 0 && <p class="dim">No notices.</p>}
      <ol class="notices">
        {[...notices].reverse().map((notice, i) => {
          const at = notice.position === null ? undefined : positions[notice.position];
          return (
            <li key={`${notice.time}-${i}`} class={notice.level}>
              <Icon name={notice.level === "warning" ? "warning" : "info"} />
              <div>
                <p>{capitalized(notice.text)}</p>
                {notice.remedy !== null && <p class="remedy">{capitalized(notice.remedy)}</p>}
                <p class="where">
                  {notice.method}
                  {notice.layer !== null && (
                    <button
                      type="button"
                      class="link"
                      onClick={() => selectLayer(notice.layer ?? "")}
                    >
                      {notice.layer}
                    </button>
                  )}
                  {at !== undefined && (
                    <button type="button" class="link" onClick={() => moveTo(notice.position ?? 0)}>
                      {label(at, segmentCount.value)}
                    </button>
                  )}
                </p>
              </div>
            </li>
          );
        })}
      </ol>
    </>
  );
}
