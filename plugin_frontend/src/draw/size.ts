/** Sizes on the screen. */

export interface Size {
  width: number;
  height: number;
}
