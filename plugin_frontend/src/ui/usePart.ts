import { useEffect } from "preact/hooks";
import type { HealthPart } from "../api";
import { subscribe } from "../store/health";

/** Has a part of the health asked for while the component is there; null asks for nothing. */
export function usePart(part: HealthPart | null): void {
  const key = JSON.stringify(part);
  useEffect(() => {
    const wanted = JSON.parse(key) as HealthPart | null;
    return wanted === null ? undefined : subscribe(wanted);
  }, [key]);
}
