import { useMemo } from "preact/hooks";
import { type Dense, lookAt } from "../byPosition";
import { lookLabel } from "../positions";
import { said, statisticOf, withUnknown } from "../statistics";
import { cursor, looked } from "../store/cursor";
import { adviceNow, broken, brokenAt, type Health, health, healthAt } from "../store/health";
import { positions, segmentCount } from "../store/run";
import { layer, selectLayer } from "../store/selection";
import { brokenHelp, brokenSince, MEANINGLESS } from "./broken";
import { Icon } from "./icons";
import { LayerLine } from "./LayerFacts";
import { type Break, type Line, Plot } from "./Plot";
import { usePart } from "./usePart";

interface Chart {
  title: string;
  help: string;
  /** Names of the statistics, first and second color. */
  of: string[];
}

/** What belongs together shares a chart. */
const SHARED: Chart[] = [
  {
    title: "Mean and spread",
    help: "mean and standard deviation of the outputs",
    of: ["mean", "std"],
  },
  { title: "Extremes", help: "least and greatest output", of: ["minimum", "maximum"] },
];
const BEFORE_SHARED = 4;

/** A chart a statistic, those that the table does not have behind the others. */
export function chartsOf(names: readonly string[]): Chart[] {
  const shared = new Set(SHARED.flatMap((chart) => chart.of));
  const charts = withUnknown(names)
    .filter((name) => !shared.has(name) && !statisticOf(name).marked)
    .map(alone);
  return [...charts.slice(0, BEFORE_SHARED), ...SHARED, ...charts.slice(BEFORE_SHARED)];
}

/** Kept, since what is drawn of a chart hangs on which one it is. */
const ALONE = new Map<string, Chart>();

function alone(name: string): Chart {
  const { title, help } = statisticOf(name);
  const chart = ALONE.get(name) ?? { title, help, of: [name] };
  ALONE.set(name, chart);
  return chart;
}

const COLORS = ["--train", "--validation"];

/** What to do about it: the lines that hold at the cursor, those of the open layer first. */
function AdviceList({ path }: { path: string }) {
  const list = adviceNow.value;
  if (list.length === 0) return null;
  const first = [...list].sort((a, b) => Number(b.layer === path) - Number(a.layer === path));
  const others = first.findIndex((advice) => advice.layer !== path);
  return (
    <ul class="advice" aria-label="Advice" data-testid="advice">
      {first.map((advice, i) => (
        <li key={`${advice.layer} ${advice.rule}`}>
          {i === others && <h3 class="dim small">Elsewhere in the model</h3>}
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

/** The numbers of a layer over the run, on the axis of the cursor. */
export function HealthView() {
  const held = health.value;
  const path = layer.value;
  const logged = path !== null && held?.layers.includes(path) === true;
  usePart(logged ? { layer: path } : null);
  if (held === null || !logged) return <section class="view" />;
  const channels = held.channels.get(path);
  // While the numbers are on their way the charts of the run have their places already.
  const coming = !held.whole.has(path);
  const has = (name: string) =>
    coming
      ? held.names.includes(name)
      : held.numbers
          .get(name)
          ?.get(path)
          ?.some((value) => value !== undefined);
  const charts = chartsOf(held.names).filter((chart) => chart.of.some(has));
  const first = held.numbers.get(charts[0]?.of[0] ?? "")?.get(path) ?? NONE;
  const look = lookAt(first, cursor.value);
  const ill = brokenAt(path);
  return (
    <section class="view" data-testid="view">
      <div class="caption">
        <div class="caption-text" data-testid="caption">
          <span>
            <b>{path}</b> · health over the run
            {channels !== null && channels !== undefined && <> · {channels} channels</>}
            {look >= 0 && (
              <> · {lookLabel(positions.value, look, cursor.value, segmentCount.value)}</>
            )}
            {ill !== undefined && (
              <b class="broken" data-testid="broken-caption" title={brokenHelp(ill)}>
                {" "}
                · {brokenSince(ill)}
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

const NONE: Dense = [];

/** The values without those that mean nothing since the layer is not finite there. */
function meant(name: string, path: string, values: Dense): Dense {
  if (!MEANINGLESS.has(name)) return values;
  const changes = broken.value.filter((one) => one.layer === path);
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
      chart.of.map((name, i) => ({
        label: statisticOf(name).title,
        color: COLORS[i] ?? "--train",
        values: meant(name, path, held.numbers.get(name)?.get(path) ?? NONE),
      })),
    [chart, held, path, broken.value],
  );
  const ill = brokenAt(path);
  const breaks = useMemo<Break[]>(
    () =>
      broken.value.flatMap(({ layer: of, ordinal, text }) =>
        of === path && text !== null ? [{ ordinal, text, color: "--bad" }] : [],
      ),
    [broken.value, path],
  );
  return (
    <div class="card chart" data-testid="chart" data-statistic={chart.of[0]}>
      <div class="card-head" title={chart.help}>
        <h2>{chart.title}</h2>
        <span class="legend">
          {chart.of.map((name, i) => (
            <span key={name} style={{ color: `var(${COLORS[i]})` }}>
              {chart.of.length > 1 ? `${statisticOf(name).title.toLowerCase()} ` : ""}
              {!coming && (
                <b>
                  {ill && MEANINGLESS.has(name)
                    ? "–"
                    : said(name, healthAt(path, name, looked.value), held.channels.get(path))}
                </b>
              )}
            </span>
          ))}
        </span>
      </div>
      {!coming && (
        <Plot lines={lines} label={`${chart.title} of ${path} over the run`} breaks={breaks} />
      )}
    </div>
  );
}
