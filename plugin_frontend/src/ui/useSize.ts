import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Size } from "../draw/size";

/** The size of an element's content box, in CSS pixels, as it changes. */
export function useSize<E extends HTMLElement>(): [RefObject<E | null>, Signal<Size>] {
  const element = useRef<E>(null);
  const size = useSignal<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const target = element.current;
    if (target === null) return;
    const read = (width: number, height: number) => {
      const held = size.peek();
      if (held.width !== width || held.height !== height) size.value = { width, height };
    };
    const observer = new ResizeObserver((entries) => {
      const box = entries.at(-1)?.contentRect;
      if (box !== undefined) read(Math.floor(box.width), Math.floor(box.height));
    });
    observer.observe(target);
    return () => observer.disconnect();
  }, [size]);
  return [element, size];
}
