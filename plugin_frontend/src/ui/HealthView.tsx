import { useMemo } from "preact/hooks";
import type { Line, NonFiniteMark } from "../draw/plot";
import { type ByPosition, lastCaptured } from "../model/byPosition";
import type { Health } from "../model/health";
import { snapshotLabel } from "../model/positions";
import { formatStatistic, statisticOf, withUnknown } from "../model/statistics";
import { cursor, readoutOrdinal } from "../state/cursor";
import { adviceNow, health, healthAt, nonFiniteAt, nonFiniteChanges } from "../state/health";
import { layer } from "../state/layer";
import { MEANINGLESS, nonFiniteHelp, nonFiniteSince } from "../state/nonFinite";
import { positions, segmentCount } from "../state/run";
import { selectLayer } from "../state/selection";
import { Icon } from "./icons";
import { LayerLine } from "./LayerFacts";
import { Plot } from "./Plot";
import { useHealthQuery } from "./useHealthQuery";

interface Chart {
  title: string;
  help: string;
  /** Names of the statistics, first and second color. */
  statistics: string[];
}

/** Statistics that share a chart. */
const SHARED: Chart[] = [
  {
    title: "Mean and std. dev.",
    help: "mean and standard deviation of the outputs",
    statistics: ["mean", "std"],
  },
  {
    title: "Extremes",
    help: "minimum and maximum output",
    statistics: ["minimum", "maximum"],
  },
];
const BEFORE_SHARED = 4;

/** Return one chart per statistic; those that are not in the table come last. */
export function chartsOf(names: readonly string[]): Chart[] {
  const shared = new Set(SHARED.flatMap((chart) => chart.statistics));
  const charts = withUnknown(names)
    .filter((name) => !shared.has(name) && !statisticOf(name).marked)
    .map(alone);
  return [...charts.slice(0, BEFORE_SHARED), ...SHARED, ...charts.slice(BEFORE_SHARED)];
}

/** Cached, so that an unchanged chart is not drawn again. */
const ALONE = new Map<string, Chart>();

function alone(name: string): Chart {
  const { title, help } = statisticOf(name);
  const chart = ALONE.get(name) ?? { title, help, statistics: [name] };
  ALONE.set(name, chart);
  return chart;
}

const COLORS = ["--train", "--validation"];

/** The advice that is active at the cursor, that of the open layer first. */
function AdviceList({ path }: { path: string }) {
  const list = adviceNow.value;
  if (list.length === 0) return null;
  const first = [...list].sort((a, b) => Number(b.layer === path) - Number(a.layer === path));
  const others = first.findIndex((advice) => advice.layer !== path);
  return (
    <ul class="advice" aria-label="Advice" data-testid="advice">
      {first.map((advice, i) => (
        <li key={`${advice.layer} ${advice.rule}`}>
          {i === others && <h3 class="dim small">Other layers</h3>}
          <button
            type="button"
            class={`advice-line ${advice.layer === path ? "here" : ""}`}
            title={`Open ${advice.layer}`}
            onClick={() => selectLayer(advice.layer)}
          >
            <Icon name="warning" />
            {advice.layer !== path && <b>{advice.layer}</b>} <span>{advice.text}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The statistics of a layer over the run, on the axis of the cursor. */
export function HealthView() {
  const held = health.value;
  const path = layer.value;
  const logged = path !== null && held?.layers.includes(path) === true;
  useHealthQuery(logged ? { layer: path } : null);
  if (held === null || !logged) return <section class="view" />;
  const channels = held.channels.get(path);
  // While the numbers are loading, the charts are already laid out.
  const coming = !held.complete.has(path);
  const has = (name: string) =>
    coming
      ? held.names.includes(name)
      : held.numbers
          .get(name)
          ?.get(path)
          ?.some((value) => value !== undefined);
  const charts = chartsOf(held.names).filter((chart) => chart.statistics.some(has));
  const first = held.numbers.get(charts[0]?.statistics[0] ?? "")?.get(path) ?? NONE;
  const snapshot = lastCaptured(first, cursor.value);
  const status = nonFiniteAt(path);
  return (
    <section class="view" data-testid="view">
      <div class="caption">
        <div class="caption-text" data-testid="caption">
          <span>
            <b>{path}</b> · health over the run
            {channels !== null && channels !== undefined && <> · {channels} channels</>}
            {snapshot >= 0 && (
              <> · {snapshotLabel(positions.value, snapshot, cursor.value, segmentCount.value)}</>
            )}
            {status !== undefined && (
              <b class="non-finite" data-testid="non-finite-caption" title={nonFiniteHelp(status)}>
                {" "}
                · {nonFiniteSince(status)}
              </b>
            )}
          </span>
          <LayerLine />
        </div>
      </div>
      <AdviceList path={path} />
      <div class="charts" aria-busy={coming}>
        {charts.map((chart) => (
          <ChartCard key={chart.title} chart={chart} path={path} held={held} coming={coming} />
        ))}
      </div>
    </section>
  );
}

const NONE: ByPosition = [];

/** Replace values that are meaningless because the layer is not finite there by NaN. */
function withoutMeaningless(name: string, path: string, values: ByPosition): ByPosition {
  if (!MEANINGLESS.has(name)) return values;
  const changes = nonFiniteChanges.value.filter((one) => one.layer === path);
  if (changes.length === 0) return values;
  return values.map((value, ordinal) =>
    changes.findLast((one) => one.ordinal <= ordinal)?.text ? Number.NaN : value,
  );
}

function ChartCard({
  chart,
  path,
  held,
  coming,
}: {
  chart: Chart;
  path: string;
  held: Health;
  coming: boolean;
}) {
  const lines = useMemo<Line[]>(
    () =>
      chart.statistics.map((name, i) => ({
        label: statisticOf(name).title,
        color: COLORS[i] ?? "--train",
        values: withoutMeaningless(name, path, held.numbers.get(name)?.get(path) ?? NONE),
      })),
    [chart, held, path, nonFiniteChanges.value],
  );
  const status = nonFiniteAt(path);
  const marks = useMemo<NonFiniteMark[]>(
    () =>
      nonFiniteChanges.value.flatMap(({ layer: owner, ordinal, text }) =>
        owner === path && text !== null ? [{ ordinal, text, color: "--bad" }] : [],
      ),
    [nonFiniteChanges.value, path],
  );
  return (
    <div class="card chart" data-testid="chart" data-statistic={chart.statistics[0]}>
      <div class="card-head" title={chart.help}>
        <h2>{chart.title}</h2>
        <span class="legend">
          {chart.statistics.map((name, i) => (
            <span key={name} style={{ color: `var(${COLORS[i]})` }}>
              {chart.statistics.length > 1 ? `${statisticOf(name).title.toLowerCase()} ` : ""}
              {!coming && (
                <b>
                  {status && MEANINGLESS.has(name)
                    ? "–"
                    : formatStatistic(
                        name,
                        healthAt(path, name, readoutOrdinal.value),
                        held.channels.get(path),
                      )}
                </b>
              )}
            </span>
          ))}
        </span>
      </div>
      {!coming && (
        <Plot lines={lines} label={`${chart.title} of ${path} over the run`} nonFinite={marks} />
      )}
    </div>
  );
}
