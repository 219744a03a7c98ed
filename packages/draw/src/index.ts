/** The pictures of this repository. */
export { type Bar, type Comparison, comparison } from "./comparison.ts"
export { delaysBox, type Policy, type Row, signOf, type Spread } from "./delays.ts"
export { type Herd, herdBox, type Peaks, peaks } from "./herd.ts"
export { contrast, dark, light, look, styleSheet, type Theme } from "./ink.ts"
export { type Chart, chartBox, charts, type Line } from "./lines.ts"
export { outage, outageBox, type Outages, type Strip, verdictOf } from "./outage.ts"
export { type Box, type Frame, gap, heading, legend, page, paragraph, type Sign, widthOf } from "./page.ts"
export { type Lane, type Timelines, timelines, timelinesBox } from "./timelines.ts"
