import { label } from "../positions";
import { moveTo } from "../store/cursor";
import { heads, segmentCount } from "../store/run";
import { selectLayer } from "../store/selection";
import { Icon } from "./icons";

/** What was left out, why, and what to do: the newest first. */
export function Notices() {
  if (heads.value === null) return null;
  const { notices, positions } = heads.value;
  return (
    <>
      {notices.length === 0 && <p class="dim">Nothing was left out.</p>}
      <ol class="notices">
        {[...notices].reverse().map((notice, i) => {
          const at = notice.position === null ? undefined : positions[notice.position];
          return (
            <li key={`${notice.time}-${i}`} class={notice.level}>
              <Icon name={notice.level === "warning" ? "warning" : "info"} />
              <div>
                <p>{notice.text}</p>
                {notice.remedy !== null && <p class="remedy">{notice.remedy}</p>}
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
