/** (pixels, a caption, a color bar) => a PNG file to download. */

import { number } from "../model/format";
import { colorMap, type MapName, type Range } from "./color";
import { put } from "./paint";

export interface Picture {
  images: {
    pixels: Uint8ClampedArray<ArrayBuffer>;
    width: number;
    height: number;
    text: string;
  }[];
  /** Picture pixels a map pixel. */
  scale: number;
  columns: number;
  pixelated: boolean;
  title: string;
  bar: { range: Range | null; map: MapName } | null;
  kind: string;
  layer: string;
  /** "epoch4", for the name of the file. */
  step: string;
  /** Text around the tiles of the first image: coordinates in map pixels from its upper left corner. */
  labels?: readonly Label[];
}

export interface Label {
  text: string;
  x: number;
  /** Of the upper edge; negative over the image. */
  y: number;
  /** Of the room for it. */
  width: number;
}

/** Name the file of a picture: "kernels-conv1-epoch4.png". */
function nameOf({ kind, layer, step }: Picture): string {
  const parts = [kind, layer || "model", step];
  return `${parts.join("-").replace(/[^\w.-]+/g, "_")}.png`;
}

const MARGIN = 24;
const LINE = 22;
const FONT = "15px system-ui, sans-serif";

/** Download the picture and return the name of the file. */
export async function save(picture: Picture): Promise<string> {
  const canvas = compose(picture);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob === null) throw new Error("the browser could not make a PNG from the canvas");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = nameOf(picture);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return link.download;
}

function compose(picture: Picture): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("the browser provides no 2D canvas");
  const text = LINE * (picture.images.some((image) => image.text !== "") ? 1 : 0);
  const labels = picture.labels ?? [];
  // Room for the labels beside, over and under the image.
  const before = {
    left: Math.max(0, ...labels.map((label) => -label.x)) * picture.scale,
    top: labels.some((label) => label.y < 0) ? LINE : 0,
    under: labels.length > 0 ? LINE : 0,
  };
  const cell = {
    width: Math.max(...picture.images.map((image) => image.width * picture.scale)) + 12,
    height:
      Math.max(...picture.images.map((image) => image.height * picture.scale)) +
      12 +
      text +
      before.top +
      before.under,
  };
  const rows = Math.ceil(picture.images.length / picture.columns);
  cell.width += before.left;
  const width = Math.max(cell.width * Math.min(picture.columns, picture.images.length), 480);
  context.font = FONT;
  const title = wrap(context, picture.title, width);
  const above = MARGIN + title.length * LINE + 8;
  canvas.width = width + 2 * MARGIN;
  canvas.height = above + rows * cell.height + (picture.bar === null ? 0 : LINE + 8) + MARGIN;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.font = FONT;
  context.fillStyle = "#1a1d21";
  title.forEach((line, i) => {
    context.fillText(line, MARGIN, MARGIN + 15 + i * LINE);
  });
  context.imageSmoothingEnabled = !picture.pixelated;
  picture.images.forEach((image, i) => {
    const x = MARGIN + before.left + (i % picture.columns) * cell.width;
    const y = above + before.top + Math.floor(i / picture.columns) * cell.height;
    const source = document.createElement("canvas");
    put(source, image.pixels, image.width, image.height);
    context.drawImage(source, x, y, image.width * picture.scale, image.height * picture.scale);
    context.fillText(image.text, x, y + image.height * picture.scale + 17);
  });
  for (const { text: words, x, y, width: room } of labels) {
    const left = MARGIN + before.left + x * picture.scale;
    const top = y < 0 ? above : above + before.top + y * picture.scale;
    context.fillText(fitting(context, words, room * picture.scale - 4), left, top + 15);
  }
  if (picture.bar !== null) {
    drawBar(context, picture.bar, MARGIN, above + rows * cell.height + 4);
  }
  return canvas;
}

/** A text, cut where it is wider than its room. */
function fitting(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  let cut = text;
  while (cut.length > 1 && context.measureText(`${cut}…`).width > room) cut = cut.slice(0, -1);
  return `${cut}…`;
}

function wrap(context: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1) ?? ""} ${word}`.trim();
    if (lines.length > 0 && context.measureText(longer).width <= width) lines.pop();
    else if (lines.length > 0) {
      lines.push(word);
      continue;
    }
    lines.push(longer);
  }
  return lines;
}

function drawBar(
  context: CanvasRenderingContext2D,
  { range, map }: { range: Range | null; map: MapName },
  x: number,
  y: number,
): void {
  const low = range === null ? "minimum of each tile" : number(range.low);
  const high = range === null ? "maximum of each tile" : number(range.high);
  context.fillText(low, x, y + 14);
  const from = Math.round(x + context.measureText(low).width + 10);
  const colors = colorMap(map);
  for (let i = 0; i < 256; i++) {
    context.fillStyle = `rgb(${colors[3 * i]},${colors[3 * i + 1]},${colors[3 * i + 2]})`;
    context.fillRect(from + i, y + 3, 1, 12);
  }
  context.fillStyle = "#1a1d21";
  context.fillText(high, from + 266, y + 14);
}
