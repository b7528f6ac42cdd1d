import { useEffect, useRef } from "preact/hooks";
import { downsampled, polyline } from "../model/downsample";
import { number, percent } from "../model/format";
import { type Row, shapeText } from "../model/tree";
import { cursor } from "../state/cursor";
import { adviceNow, health, healthAt, nonFiniteAt, SPARKS_QUERY, sparks } from "../state/health";
import {
  filter,
  filterIsValid,
  layerCount,
  matchCount,
  toggle,
  visibleRows,
} from "../state/layers";
import { kindsOf, WHOLE } from "../state/logged";
import { nonFiniteHelp, tickAt } from "../state/nonFinite";
import { positions } from "../state/run";
import { path, selectLayer } from "../state/selection";
import { Icon } from "./icons";
import { useHealthQuery } from "./useHealthQuery";

export function Tree() {
  const list = useRef<HTMLDivElement>(null);
  useHealthQuery(SPARKS_QUERY);
  const rows = visibleRows.value;
  const selected = rows.findIndex((row) => row.node.path === path.value);
  const tabStop = Math.max(selected, 0);

  useEffect(() => {
    list.current?.querySelector(".selected")?.scrollIntoView({ block: "nearest" });
  }, [selected]);

  const goTo = (index: number) => {
    const row = rows[index];
    if (row === undefined) return;
    selectLayer(row.node.path);
    const items = list.current?.querySelectorAll<HTMLElement>("[role=treeitem]");
    items?.[index]?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const at = rows.findIndex(
      (row) => row.node.path === (event.target as HTMLElement).dataset.path,
    );
    const row = rows[at];
    if (row === undefined) return;
    const leaf = row.expanded === null;
    if (leaf && (event.key === "ArrowRight" || event.key === "ArrowLeft")) return;
    const steps: Record<string, () => void> = {
      ArrowDown: () => goTo(at + 1),
      ArrowUp: () => goTo(at - 1),
      Home: () => goTo(0),
      End: () => goTo(rows.length - 1),
      ArrowRight: () => (row.expanded === false ? toggle(row.node.path, true) : goTo(at + 1)),
      ArrowLeft: () => {
        if (row.expanded === true && filter.value === "") toggle(row.node.path, false);
        else goTo(rows.findIndex((other) => other.node.path === row.node.parent));
      },
      Enter: () => goTo(at),
      " ": () => goTo(at),
    };
    const step = event.shiftKey || event.ctrlKey || event.metaKey ? undefined : steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    step();
  };

  return (
    <nav class="layers" aria-label="Layers">
      <div class="filter">
        <input
          id="filter"
          data-testid="filter"
          type="search"
          placeholder="Filter, e.g. conv.*"
          aria-label="Filter layers by a regular expression"
          aria-invalid={!filterIsValid.value}
          spellcheck={false}
          value={filter.value}
          onInput={(event) => {
            filter.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" || event.key === "ArrowDown") {
              event.preventDefault();
              goTo(rows.findIndex((row) => row.matches && kindsOf(row.node.path).length > 0));
            } else if (event.key === "Escape") {
              event.stopPropagation();
              if (filter.value === "") event.currentTarget.blur();
              filter.value = "";
            }
          }}
        />
        {filter.value === "" && <kbd aria-hidden="true">/</kbd>}
      </div>
      <p class="section" data-testid="match-count" role="status">
        {filterIsValid.value
          ? filter.value === ""
            ? `${layerCount.value} layers`
            : `${matchCount.value} of ${layerCount.value} layers`
          : "not a regular expression"}
      </p>
      <div
        class={`tree ${rows.length > 12 ? "dense" : ""}`}
        role="tree"
        aria-label="Layers of the model"
        ref={list}
        onKeyDown={onKeyDown}
      >
        {rows.map((row, i) => (
          <TreeRow key={row.node.path} row={row} stop={i === tabStop} />
        ))}
      </div>
    </nav>
  );
}

function TreeRow({ row, stop }: { row: Row; stop: boolean }) {
  const { node, depth, expanded, matches } = row;
  const selected = path.value === node.path;
  const kinds = kindsOf(node.path);
  const shape = shapeText(node.model?.shape).replaceAll(" ", "");
  const reason = node.model?.reason;
  const mute = kinds.length === 0 || !matches;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree around it listens to the keys.
    <div
      class={`row ${node.path === WHOLE ? "whole" : ""} ${selected ? "selected" : ""} ${mute ? "mute" : ""}`}
      role="treeitem"
      tabIndex={stop ? 0 : -1}
      aria-level={depth + 1}
      aria-selected={selected}
      aria-expanded={expanded ?? undefined}
      data-testid="layer"
      data-path={node.path}
      title={[node.path || node.name, node.class, shape, reason].filter(Boolean).join("\n")}
      style={{ paddingLeft: `${10 + 12 * depth}px` }}
      onClick={() => selectLayer(node.path)}
      onDblClick={() => expanded !== null && toggle(node.path)}
    >
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the arrow keys of the tree do the same. */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: part of the tree item. */}
      <span
        class={`twist ${expanded === null ? "leaf" : expanded ? "open" : ""}`}
        onClick={(event) => {
          if (expanded === null) return;
          event.stopPropagation();
          toggle(node.path);
        }}
      >
        {expanded !== null && <Icon name="chevron" />}
      </span>
      <span class="name">
        <span>
          <bdi>{node.name}</bdi>
        </span>
        <small>{shape || node.class}</small>
      </span>
      <Spark path={node.path} />
      <Badges path={node.path} />
    </div>
  );
}

const [WIDTH, HEIGHT] = [52, 16];

function Spark({ path }: { path: string }) {
  const values = sparks.value.get(path);
  if (values === undefined) return null;
  const points = polyline(downsampled(values, positions.value.length, WIDTH), WIDTH, HEIGHT - 2);
  return (
    <svg
      class="spark"
      height={HEIGHT}
      viewBox={`0 -1 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <title>Mean output over the run</title>
      <polyline points={points} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

function Badges({ path }: { path: string }) {
  const advice = adviceNow.value.filter((one) => one.layer === path);
  const status = nonFiniteAt(path);
  const dead = healthAt(path, "dead", cursor.value) ?? 0;
  const channels = health.value?.channels.get(path) ?? null;
  const share = channels ? ` of ${channels} (${percent(dead / channels)})` : "";
  return (
    <span class="badges">
      {advice.length > 0 && (
        <span
          class="advised"
          data-testid="advised"
          role="img"
          aria-label="has advice"
          title={advice.map((one) => one.text).join("\n")}
        >
          <Icon name="warning" />
        </span>
      )}
      {status !== undefined && (
        <span class="badge non-finite" data-testid="non-finite" title={nonFiniteHelp(status)}>
          {status.text} since {tickAt(status.ordinal)}
        </span>
      )}
      {status === undefined && dead > 0 && (
        <span
          class="badge"
          data-testid="dead"
          title={`Dead channels: ${number(dead)}${share}. Their output is constant on all probe images.`}
        >
          {dead} dead
        </span>
      )}
    </span>
  );
}
