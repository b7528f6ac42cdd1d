import { HEALTH } from "../model/families";
import { formatStatistic, statisticOf, withUnknown } from "../model/statistics";
import { cursor } from "../state/cursor";
import { adviceNow, health, healthAt, nonFiniteAt } from "../state/health";
import { MEANINGLESS, nonFiniteHelp, nonFiniteSince } from "../state/nonFinite";
import { kind } from "../state/selection";
import { useHealthQuery } from "./useHealthQuery";

/** The health of the layer at the cursor, each number with its definition. */
export function HealthFacts({ path: owner }: { path: string }) {
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
