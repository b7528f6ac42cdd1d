import { CamPanel } from "./CamPanel";
import { CamView } from "./CamView";

/** The maps of each image, and beside them the selected one. */
export function Cams() {
  return (
    <>
      <CamView />
      <CamPanel />
    </>
  );
}
