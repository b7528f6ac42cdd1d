/** The golden vectors that Python is held to as well; see `tests/golden/make_vectors.py`. */

import { readFileSync } from "node:fs";
import type { MapName } from "../src/draw/color";
import type { Json, JsonNumber } from "../src/model/json";

interface Golden {
  colormaps: Record<MapName, number[][]>;
  special_colors: Record<string, number[]>;
  colorize: {
    levels: number[];
    lo: JsonNumber;
    hi: JsonNumber;
    low: JsonNumber;
    high: JsonNumber;
    colormap: MapName;
    rgb: number[][];
  }[];
  enlarge: { map: JsonNumber[][]; size: [number, number]; values: JsonNumber[][] }[];
  overlay: {
    image: number[][][];
    cam: JsonNumber[][];
    maximum: JsonNumber;
    colormap: MapName;
    strength: number;
    rgb: number[][][];
  }[];
  sheets: {
    png: string;
    pixels: number[][] | number[][][];
    tile: [number, number];
    count: number;
    columns: number;
    ranges: [JsonNumber, JsonNumber][] | null;
    text: Json | null;
    values: JsonNumber[][][] | null;
  }[];
}

const path = new URL("../../tests/golden/vectors.json", import.meta.url);
export const golden = JSON.parse(readFileSync(path, "utf8")) as Golden;
