import { whole } from "../format";
import type { Json } from "../json";
import { kindsOf, layer } from "../store/selection";
import { model } from "../store/tables";
import { shapeText } from "../tree";

function text(value: Json): string {
  if (Array.isArray(value)) return value.map(text).join(" × ");
  if (value === null) return "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The selected layer's configuration and parameters, and why it is not drawn. */
export function LayerFacts({ open = false }: { open?: boolean }) {
  const node = model.value?.nodes.find((entry) => entry.path === layer.value);
  if (node === undefined) return null;
  const undrawn = kindsOf(node.path).length === 0;
  return (
    <details class="facts" open={open} data-testid="facts">
      <summary>
        Layer <b>{node.name}</b>
      </summary>
      {node.reason !== null && (
        <p class="reason" data-testid="reason">
          No picture of this layer: {node.reason}
        </p>
      )}
      {node.reason === null && undrawn && <p class="reason">Nothing was logged of this layer.</p>}
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

/** The same in a line. */
export function LayerLine() {
  const node = model.value?.nodes.find((entry) => entry.path === layer.value);
  if (node === undefined) return null;
  const parts = [
    node.class,
    shapeText(node.shape),
    node.parameters ? `${whole(node.parameters)} parameters` : "",
    node.parameters && node.trainable === false ? "frozen" : "",
  ];
  return <span class="layer-line">{parts.filter(Boolean).join(" · ")}</span>;
}
