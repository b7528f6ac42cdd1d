import { useEffect } from "preact/hooks";
import type { HealthQuery } from "../model/answers";
import { subscribe } from "../state/health";

/** Request a part of the health while the component is mounted; null requests nothing. */
export function useHealthQuery(query: HealthQuery | null): void {
  const key = JSON.stringify(query);
  useEffect(() => {
    const requested = JSON.parse(key) as HealthQuery | null;
    return requested === null ? undefined : subscribe(requested);
  }, [key]);
}
