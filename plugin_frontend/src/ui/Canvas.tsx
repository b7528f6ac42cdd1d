import { useLayoutEffect, useRef } from "preact/hooks";
import { put } from "../draw/paint";

interface Props {
  pixels: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
  label: string;
  /** Photographs are enlarged smoothly, maps by whole pixels. */
  smooth?: boolean;
  testid?: string;
  attributes?: Record<string, string | number>;
}

/** Pixels as a picture: written once, never read back. */
export function Canvas({ pixels, width, height, label, smooth, testid, attributes }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (canvas.current !== null) put(canvas.current, pixels, width, height);
  }, [pixels, width, height]);
  return (
    <canvas
      ref={canvas}
      class={smooth ? "smooth" : "pixels"}
      role="img"
      aria-label={label}
      data-testid={testid}
      {...attributes}
    />
  );
}
