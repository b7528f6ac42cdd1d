/** What a map of the CAM views is called, and what is remarkable about it. */

import { number, percent } from "../model/format";
import type { Cam } from "./cam";

/** Name what the class of a map is: "predicted", or "target" for a class that the user asked for. */
export const roleText = ({ role }: Cam) => role.replace(/^(class|given)\b/, "target");

/** Name the target class of a map: "cat", "cat, not dog". */
export function targetName({ text }: Cam): string | null {
  return text.against === null ? text.name : `${text.name}, not ${text.against}`;
}

/** Return a remark under a map; the details are in its tooltip. */
export function remarkable(cam: Cam): string {
  if (!Number.isFinite(cam.own)) return ": no finite value";
  if (cam.scale === 0) return ": zero map";
  if (cam.constant) return ": flat";
  return cam.scale > cam.own ? ": faint" : "";
}

/** Describe a map: "predicted astronaut, 45%: maximum 0.83". */
export function describe(cam: Cam, image: string | null): string {
  const who = cam.text.name === null ? "" : ` ${targetName(cam)}`;
  const { probability } = cam.text;
  const likely = Number.isNaN(probability) ? "NaN" : percent(probability);
  const chance = probability === null ? "" : `, ${likely}`;
  const about = `${image === null ? "" : `${image}: `}${roleText(cam)}${who}${chance}`;
  if (!Number.isFinite(cam.own)) return `${about}: ${cam.text.note ?? "no finite value"}`;
  if (cam.scale === 0) return `${about}: the map is zero, no evidence for the class`;
  const floored = cam.scale > cam.own ? `, faint: scaled to ${number(cam.scale)}` : "";
  const what = cam.constant ? "constant at" : "maximum";
  return `${about}: ${what} ${number(cam.own)}${floored}`;
}

export function short(cam: Cam): string {
  return `${roleText(cam)}: ${targetName(cam) ?? ""}`;
}
