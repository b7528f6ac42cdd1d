/** Drawn inline, in the color of the text. */

const PATHS = {
  play: "M5 3.2v9.6l8-4.8z",
  pause: "M4.5 3h2.6v10H4.5zM8.9 3h2.6v10H8.9z",
  back: "M10.6 2.8 5.4 8l5.2 5.2",
  forward: "M5.4 2.8 10.6 8l-5.2 5.2",
  close: "M4 4l8 8M12 4l-8 8",
  chevron: "M6 4l4 4-4 4",
  warning: "M8 2.2 14.4 13.4H1.6zM8 6.4v3.4M8 11.4v.6",
  info: "M8 7.2v4M8 4.6v.8M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
} as const;

const FILLED = new Set<string>(["play", "pause"]);

export function Icon({ name }: { name: keyof typeof PATHS }) {
  const filled = FILLED.has(name);
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path
        d={PATHS[name]}
        fill={filled ? "currentColor" : "none"}
        stroke={filled ? "none" : "currentColor"}
        stroke-width="1.6"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
