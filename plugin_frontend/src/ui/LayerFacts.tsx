import { useSignal } from "@preact/signals";
import { whole } from "../model/format";
import type { Json } from "../model/json";
import { shapeText } from "../model/tree";
import { kindsOf } from "../state/logged";
import { path } from "../state/selection";
import { model } from "../state/tables";
import { lazily } from "./lazily";

export const HealthFacts = lazily(() =>
  import("./HealthFacts").then((module) => module.HealthFacts),
);

function text(value: Json): string {
  if (Array.isArray(value)) return value.map(text).join(" × ");
  if (value === null) return "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The configuration and parameters of the open layer, and the reason if it is not drawn. */
export function LayerFacts({ open = false }: { open?: boolean }) {
  const opened = useSignal(open);
  const node = model.value?.nodes.find((entry) => entry.path === path.value);
  if (node === undefined) return null;
  const undrawn = kindsOf(node.path).length === 0;
  return (
    <details
      class="facts"
      open={open}
      data-testid="facts"
      onToggle={(event) => {
        opened.value = event.currentTarget.open;
      }}
    >
      <summary>
        Layer <b>{node.path}</b>
      </summary>
      {node.reason !== null && (
        <p class="reason" data-testid="reason">
          No picture of this layer: {node.reason}
        </p>
      )}
      {node.reason === null && undrawn && <p class="reason">Nothing was logged for this layer.</p>}
      {opened.value && <HealthFacts path={node.path} />}
      <dl>
        <dt>class</dt>
        <dd>{node.class}</dd>
        {node.shape !== null && (
          <>
            <dt>output</dt>
            <dd>{shapeText(node.shape)}</dd>
          </>
        )}
        {node.parameters !== null && (
          <>
            <dt>parameters</dt>
            <dd>
              {whole(node.parameters)}
              {node.parameters > 0 && node.trainable !== null && (
                <span class="dim">{node.trainable ? ", trainable" : ", frozen"}</span>
              )}
            </dd>
          </>
        )}
        {Object.entries(node.config ?? {}).map(([name, value]) => (
          <>
            <dt key={name}>{name.replaceAll("_", " ")}</dt>
            <dd>{text(value)}</dd>
          </>
        ))}
      </dl>
    </details>
  );
}

/** The main facts of the open layer in a line. */
export function LayerLine() {
  const node = model.value?.nodes.find((entry) => entry.path === path.value);
  if (node === undefined) return null;
  const parts = [
    node.class,
    shapeText(node.shape),
    node.parameters ? `${whole(node.parameters)} parameters` : "",
    node.parameters && node.trainable === false ? "frozen" : "",
  ];
  return <span class="layer-line">{parts.filter(Boolean).join(" · ")}</span>;
}
