/**
 * (a photograph, a class activation map of the layer's own size) => the map over the photograph.
 *
 * The same as `tbviz/images/overlay.py`; `tests/golden/vectors.json` holds both to it.
 */

import { colorIndex, colorMap, type MapName } from "./color";

/** Enlarge `h x w` to `H x W` bilinearly, pixel centers at halves and edges held. */
export function enlarge(
  map: ArrayLike<number>,
  [h, w]: readonly [number, number],
  [H, W]: readonly [number, number],
): Float64Array {
  const wide = new Float64Array(h * W);
  for (let x = 0; x < W; x++) {
    const [left, right, share] = neighbors(x, w, W);
    for (let y = 0; y < h; y++) {
      wide[y * W + x] = between(map[y * w + left], map[y * w + right], share);
    }
  }
  const out = new Float64Array(H * W);
  for (let y = 0; y < H; y++) {
    const [above, below, share] = neighbors(y, h, H);
    for (let x = 0; x < W; x++) {
      out[y * W + x] = between(wide[above * W + x], wide[below * W + x], share);
    }
  }
  return out;
}

function neighbors(at: number, small: number, large: number): [number, number, number] {
  const center = Math.min(Math.max(((at + 0.5) * small) / large - 0.5, 0), small - 1);
  const left = Math.floor(center);
  return [left, Math.min(left + 1, small - 1), center - left];
}

function between(left = Number.NaN, right = Number.NaN, share = 0): number {
  return left + (right - left) * share;
}

/**
 * Draw a map over its image: with `t` the enlarged map over `maximum`
 * cut to 0 to 1 and `a = strength * t`, `floor(image * (1 - a) + color(t) * a + 0.5)`.
 *
 * `signed`: `t` is cut to -1 to 1, `a = strength * |t|` and the color is that of `(t + 1) / 2`.
 * `maximum` that is not a positive finite number leaves the image untouched. RGB bytes in and
 * out, `size` is `[H, W]`.
 */
export function overlay(
  image: Uint8Array,
  size: readonly [number, number],
  cam: ArrayLike<number>,
  camSize: readonly [number, number],
  maximum: number,
  name: MapName,
  strength: number,
  signed = false,
): Uint8Array {
  const out = Uint8Array.from(image);
  if (!(maximum > 0 && Number.isFinite(maximum))) return out;
  const heat = enlarge(cam, camSize, size);
  const colors = colorMap(name);
  heat.forEach((value, pixel) => {
    const minimum = signed ? -1 : 0;
    const t = Number.isNaN(value) ? 0 : Math.max(minimum, Math.min(value / maximum, 1));
    const opacity = strength * Math.abs(t);
    const color = 3 * colorIndex(signed ? (t + 1) / 2 : t);
    for (let c = 0; c < 3; c++) {
      const at = 3 * pixel + c;
      out[at] = Math.floor(
        (image[at] ?? 0) * (1 - opacity) + (colors[color + c] ?? 0) * opacity + 0.5,
      );
    }
  });
  return out;
}

/** A map below this share of the largest maximum of its series is drawn faint, not stretched. */
export const FLOOR = 0.05;

/** Return what a CAM is scaled by: its own maximum, but at least the floor. 0 for a map of zeros. */
export function camScale(own: number, seriesMaximum: number): number {
  if (!(own > 0)) return 0;
  const floor = FLOOR * seriesMaximum;
  return Number.isFinite(floor) && floor > own ? floor : own;
}

/** Return the magnitude that a share of the finite values of a map does not exceed. */
export function percentile(map: Float64Array, share: number): number {
  const sizes = map.filter(Number.isFinite).map(Math.abs).sort();
  return sizes[Math.ceil(share * sizes.length) - 1] ?? 0;
}
