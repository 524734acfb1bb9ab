/**
 * The first workflows in the language of the page: titles and notes of a graph that has nodes of ours, where they are
 * word for word those that the pack ships, are translated as the graph is opened. The files stay English, and so does
 * whatever somebody has changed.
 */
import { app } from "../../../scripts/app.js";
import { textOf } from "./language.js";

const NOTES = new Set(["MarkdownNote", "Note"]);

app.registerExtension({
  name: "hyponet.workflow_texts",

  beforeConfigureGraph(workflow) {
    const graphs = [workflow, ...(workflow.definitions?.subgraphs ?? [])];
    const nodes = graphs.flatMap((graph) => graph.nodes ?? []);
    if (!nodes.some(({ type }) => String(type).startsWith("HypoNet"))) return;
    const groups = graphs.flatMap((graph) => graph.groups ?? []);
    for (const titled of [...nodes, ...groups]) if (titled.title) titled.title = textOf("workflows", titled.title);
    for (const { type, widgets_values: values } of nodes) {
      if (NOTES.has(type) && Array.isArray(values)) values[0] = textOf("workflows", values[0]);
    }
  },
});
