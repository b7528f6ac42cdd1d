import { useSignal } from "@preact/signals";
import { HEALTH } from "../model/families";
import { whole } from "../model/format";
import type { Json } from "../model/json";
import { formatStatistic, statisticOf, withUnknown } from "../model/statistics";
import { shapeText } from "../model/tree";
import { cursor } from "../state/cursor";
import { adviceNow, health, healthAt, nonFiniteAt } from "../state/health";
import { kindsOf } from "../state/logged";
import { MEANINGLESS, nonFiniteHelp, nonFiniteSince } from "../state/nonFinite";
import { kind, path } from "../state/selection";
import { model } from "../state/tables";
import { useHealthQuery } from "./useHealthQuery";

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
      {opened.value && <Facts path={node.path} />}
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

/** The health of the layer at the cursor, each number with its definition. */
function Facts({ path: owner }: { path: string }) {
  const held = health.value;
  const logged = held?.layers.includes(owner) === true;
  useHealthQuery(logged ? { layer: owner } : null);
  if (held === null || !logged) return null;
  // While the numbers are loading, their rows are already laid out.
  const coming = !held.complete.has(owner);
  const status = nonFiniteAt(owner);
  const numbers = withUnknown(held.names).flatMap((name) => {
    if (statisticOf(name).marked) return [];
    const value = coming ? undefined : healthAt(owner, name, cursor.value);
    return value !== undefined || (coming && held.names.includes(name)) ? [{ name, value }] : [];
  });
  return (
    <>
      {adviceNow.value
        .filter((advice) => advice.layer === owner && kind.value !== HEALTH)
        .map((advice) => (
          <p key={advice.rule} class="reason">
            {advice.text}
          </p>
        ))}
      {status !== undefined && (
        <p class="reason non-finite" data-testid="non-finite-fact" title={nonFiniteHelp(status)}>
          {nonFiniteSince(status)}
        </p>
      )}
      <dl data-testid="health-facts" aria-busy={coming}>
        {numbers.map(({ name, value }) => (
          <>
            <dt key={name} class="defined" title={statisticOf(name).help}>
              {statisticOf(name).title.toLowerCase()}
            </dt>
            <dd>
              {!coming &&
                (status !== undefined && MEANINGLESS.has(name)
                  ? "–"
                  : formatStatistic(name, value, held.channels.get(owner)))}
            </dd>
          </>
        ))}
      </dl>
    </>
  );
}
