import { useMemo } from "preact/hooks";
import { number, percent } from "../format";
import { looked } from "../store/cursor";
import { layer } from "../store/selection";
import { type Dense, type Health, health, healthAt } from "../store/tables";
import { LayerLine } from "./LayerFacts";
import { type Line, Plot } from "./Plot";

interface Chart {
  title: string;
  help: string;
  lines: { name: string; label: string; colour: string }[];
  share?: boolean;
}

const CHARTS: Chart[] = [
  {
    title: "Dead channels",
    help: "channels that give one number everywhere on every probe image",
    lines: [{ name: "dead", label: "dead", colour: "--hot" }],
  },
  {
    title: "Sparsity",
    help: "share of the outputs that are zero",
    lines: [{ name: "sparsity", label: "sparsity", colour: "--train" }],
    share: true,
  },
  {
    title: "Mean and spread",
    help: "mean and standard deviation of the outputs",
    lines: [
      { name: "mean", label: "mean", colour: "--train" },
      { name: "std", label: "std", colour: "--validation" },
    ],
  },
  {
    title: "Extremes",
    help: "least and greatest output",
    lines: [
      { name: "minimum", label: "min", colour: "--train" },
      { name: "maximum", label: "max", colour: "--validation" },
    ],
  },
  {
    title: "Likeness to the input",
    help: "largest correlation of a channel with the gray input, mean over the probe images",
    lines: [{ name: "likeness", label: "likeness", colour: "--train" }],
    share: true,
  },
  {
    title: "Change",
    help: "distance from the output at the last logged position, over its size",
    lines: [{ name: "change", label: "change", colour: "--train" }],
  },
];

const KNOWN = new Set(CHARTS.flatMap((chart) => chart.lines.map((line) => line.name)));

/** The numbers of a layer over the run, on the axis of the cursor. */
export function HealthView() {
  const held = health.value;
  const path = layer.value;
  const index = path === null ? -1 : (held?.layers.indexOf(path) ?? -1);
  if (held === null || path === null || index < 0) return <section class="view" />;
  const channels = held.channels[index];
  const others = [...held.numbers.keys()].filter((name) => !KNOWN.has(name));
  const charts = [
    ...CHARTS,
    ...others.map((name) => ({
      title: name,
      help: name,
      lines: [{ name, label: name, colour: "--train" }],
    })),
  ];
  return (
    <section class="view" data-testid="view">
      <div class="caption">
        <div class="caption-text" data-testid="caption">
          <span>
            <b>{path}</b> · health over the run
            {channels !== null && channels !== undefined && <> · {channels} channels</>}
          </span>
          <LayerLine />
        </div>
      </div>
      <div class="charts">
        {charts.map((chart) => (
          <ChartCard key={chart.title} chart={chart} path={path} held={held} index={index} />
        ))}
      </div>
    </section>
  );
}

const NONE: Dense = [];

function ChartCard({
  chart,
  path,
  held,
  index,
}: {
  chart: Chart;
  path: string;
  held: Health;
  index: number;
}) {
  const lines = useMemo<Line[]>(
    () =>
      chart.lines.map(({ name, label, colour }) => ({
        label,
        colour,
        values: held.numbers.get(name)?.[index] ?? NONE,
      })),
    [chart, held, index],
  );
  return (
    <div class="card chart" data-testid="chart" data-statistic={chart.lines[0]?.name}>
      <div class="card-head" title={chart.help}>
        <h2>{chart.title}</h2>
        <span class="legend">
          {chart.lines.map((line) => {
            const value = healthAt(path, line.name, looked.value);
            return (
              <span key={line.name} style={{ color: `var(${line.colour})` }}>
                {chart.lines.length > 1 ? `${line.label} ` : ""}
                <b>{chart.share ? percent(value) : number(value)}</b>
              </span>
            );
          })}
        </span>
      </div>
      <Plot lines={lines} label={`${chart.title} of ${path} over the run`} />
    </div>
  );
}
