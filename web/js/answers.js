/**
 * What a node answers, drawn inside the node: its text as the server sent it, tables as tables, links to its files.
 *
 * The page draws `text` for none but its own preview node. The box is there before the first run and does not grow
 * with its content, so nothing moves and nothing is covered; who wants to see more makes the node larger. The page
 * keeps a workflow's outputs while its tab is away, and the browser's session keeps the texts over a reload.
 */
import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { addBox } from "./boxes.js";
import { showPictures } from "./culling.js";
import { answerTexts, translated } from "./language.js";
import { draw } from "./markdown.js";
import { links } from "./report_page.js";

const ANSWER = "answer"; // the name of the widget
const PROGRESS = "$$node-text-preview"; // that of the page's own widget for progress text
const LEAST_HEIGHT = 100; // 80 as in answers.css, and the margins that the canvas draws around a DOM widget
const PICTURE_HEIGHT = 290; // what the page adds to a node for its first picture: 208 in the canvas, 281 in Nodes 2.0
const WITH_PICTURES = new Set([
  "HypoNetCaptionImages",
  "HypoNetFindCopies",
  "HypoNetGenerateDataset",
  "HypoNetLearningCurve",
  "HypoNetMakeContactSheet",
  "HypoNetMeasureCLIPScore",
  "HypoNetMeasureDiversity",
  "HypoNetMeasurePrecisionRecall",
  "HypoNetPlotDistortion",
  "HypoNetPreviewPlan",
  "HypoNetSummarizeDataset",
  "HypoNetTestClassifier",
  "HypoNetTrainClassifier",
  "HypoNetTrainLora",
  "HypoNetWriteReport",
]);
const WITH_COUNTS = new Set([
  "HypoNetLoadLabelledImages",
  "HypoNetMapClasses",
  "HypoNetMergeImages",
  "HypoNetSplitImages",
]); // whose lines are classes with their numbers of pictures
const EACH_CLASS = "each_class"; // of FID
const NOTHING_YET = "The answer comes here when this node has run.";
const PATIENCE = 17_000; // in ms; the canvas waits two times 8.2 s for a picture
const TIMES = 10; // that a picture is asked for anew
const KEPT = "hyponet.answer";
const EVENT = Symbol("event"); // of an output: by which event it came; the page may hand out other faces of one object

/**
 * @typedef {{filename: string, subfolder: string, type: string}} File
 * @typedef {{text: string, files: File[], pictures?: File}} Answer files to link, and the list of a set's pictures
 */

/** @param {any} node */
const isOurs = (node) => String(node.comfyClass ?? "").startsWith("HypoNet");

/**
 * What an output of the server says; null when it says nothing in words.
 * @param {any} output
 * @returns {Answer | null}
 */
function answerOf(output) {
  const text = [output?.text ?? []].flat().join("\n\n").trim();
  return text ? { text, files: output.hyponet_report ?? [], pictures: output.hyponet_pictures?.[0] } : null;
}

/** The box of a node: made on first use. */
function boxOf(node) {
  const made = node.widgets?.find((widget) => widget.name === ANSWER);
  if (made) return made.element;
  const box = document.createElement("div");
  box.className = "hyponet-answer";
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", translated("Answer of {title}", { title: node.title }));
  const line = document.createElement("p");
  line.className = "line";
  line.setAttribute("role", "status");
  const text = document.createElement("div");
  text.className = "text none";
  text.textContent = translated(NOTHING_YET);
  box.append(line, text);
  addBox(node, ANSWER, box, LEAST_HEIGHT);
  makeRoom(node, WITH_PICTURES.has(node.comfyClass) || eachClassOf(node));
  return box;
}

const wordsOf = (node) => answerTexts(!WITH_COUNTS.has(node.comfyClass));

/** Make a node as large as its widgets, and its pictures where it answers with some, so that no run enlarges it. */
function makeRoom(node, hasPictures) {
  const [width, height] = node.computeSize();
  const room = hasPictures ? PICTURE_HEIGHT : 0;
  node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height + room)]);
}

const eachClassOf = (node) => node.widgets?.find((widget) => widget.name === EACH_CLASS);

/**
 * A node that draws bars where this is switched on has room for them from the start, since Nodes 2.0 of 1.32.9 takes
 * none later. Where a workflow has it smaller, who switches it on sees the canvas make room.
 */
function watchEachClass(node) {
  const widget = eachClassOf(node);
  if (!widget) return;
  const { callback } = widget;
  widget.callback = function (...values) {
    callback?.apply(this, values);
    makeRoom(node, widget.value);
  };
}

/**
 * Draw an answer.
 * @param {any} node
 * @param {Answer} answer
 * @param {boolean} isEarlier of a run before the page was loaded
 */
function show(node, answer, isEarlier = false) {
  const [line, text] = boxOf(node).children;
  line.textContent = isEarlier ? translated("From an earlier run:") : "";
  text.className = isEarlier ? "text earlier" : "text";
  text.replaceChildren(draw(answer.text, wordsOf(node)), ...answer.files.flatMap(links));
  if (answer.pictures) showPictures(node, answer.pictures);
}

/** A line on how the run stands; what the last run answered goes pale meanwhile. */
function showProgress(node, progress) {
  const [line, text] = boxOf(node).children;
  line.textContent = progress.split("\n").map(wordsOf(node).line).join("\n");
  text.classList.add("earlier");
}

/**
 * The page writes progress text into a widget of this name, which it adds below the node, which grows by it. Here it
 * finds one, without height, that hands the text to the box. Newer pages take it away after each run.
 */
function takeProgress(node) {
  if (node.widgets?.some((widget) => widget.name === PROGRESS)) return;
  const widget = node.addDOMWidget(PROGRESS, "hidden", document.createElement("span"), {
    serialize: false,
    hidden: true,
    canvasOnly: true,
    getMinHeight: () => 0,
    getMaxHeight: () => 0,
    getValue: () => "",
    setValue: (text) => text && showProgress(node, String(text)),
  });
  widget.hidden = true;
  widget.serialize = false;
  widget.computeSize = () => [0, -4]; // and no gap above it
}

/** All of our nodes in the open workflow and its subgraphs, each with the key that the page has for its outputs. */
function* ourNodes() {
  const root = app.rootGraph ?? app.graph;
  for (const graph of [root, ...(root.subgraphs?.values() ?? [])]) {
    for (const node of graph.nodes) {
      if (isOurs(node)) yield [node, graph === root ? String(node.id) : `${graph.id}:${node.id}`];
    }
  }
}

const keptKey = (key) => `${KEPT}:${(app.rootGraph ?? app.graph).id}:${key}`;

/** What the session kept of a node; null for nothing. */
const kept = (key) => JSON.parse(sessionStorage.getItem(keptKey(key)));

/** Keep an answer for the time after a reload of the page; when the session's room is full, only this one. */
function keep(key, answer) {
  const isRoomFor = () => {
    try {
      sessionStorage.setItem(keptKey(key), JSON.stringify(answer));
      return true;
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
      return false;
    }
  };
  if (isRoomFor()) return;
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(KEPT)) sessionStorage.removeItem(name);
  isRoomFor();
}

/** The server's numbers of nodes: within a subgraph, that of the subgraph's node and theirs. */
function serverIds(graph, path = "", ids = new Map()) {
  for (const node of graph.nodes) {
    ids.set(node, path + node.id);
    if (node.subgraph) serverIds(node.subgraph, `${path}${node.id}:`, ids);
  }
  return ids;
}

/**
 * Show what the page holds of the open workflow's runs, else what the session kept of them. What came while another tab
 * was open it holds by the server's numbers.
 */
function refresh(outputs) {
  const ids = serverIds(app.rootGraph ?? app.graph);
  for (const [node, key] of ourNodes()) {
    const answer = answerOf(outputs?.[key]) ?? answerOf(outputs?.[ids.get(node)]);
    const earlier = answer ? null : kept(key);
    if (answer) keep(key, answer);
    if (answer ?? earlier) show(node, answer ?? earlier, !answer);
  }
}

/**
 * Whether an output is of a workflow in another tab: the page hands it to whatever node has the same number here, and
 * has just noted it for the workflow that asked. It notes nothing when the answer came before the server's word on the
 * queue; then it is taken to be of this tab.
 */
function isOfAnotherTab(output) {
  const { activeWorkflow, openWorkflows } = app.extensionManager.workflow;
  const noted = (workflow) => Object.values(workflow.changeTracker?.nodeOutputs ?? {});
  const isOf = (workflow) => noted(workflow).some((other) => other?.[EVENT] === output[EVENT]);
  return openWorkflows.some((workflow) => workflow !== activeWorkflow && isOf(workflow));
}

/**
 * Take the last picture of the running node away: the page would show it over those of the finished one or beside them.
 * Nodes 2.0 keeps it in a store, which revokes it by a call (1.58.1) or lists it (1.32.9); where neither is found, the
 * picture stays beside the others.
 */
function dropPreview(node) {
  const page = document.getElementById("vue-app")?.__vue_app__;
  const store = page?.config.globalProperties.$pinia?._s?.get("nodeOutput");
  for (const [found, key] of ourNodes()) {
    if (found !== node) continue;
    store?.revokePreviewsByLocatorId?.(key);
    for (const previews of [store?.nodePreviewImages, app.nodePreviewImages]) if (previews) delete previews[key];
  }
}

/**
 * The canvas gives a picture up that does not come, as on a machine that is busy with the next node, and never asks for
 * it again. Here it is made to: what it has not got looks new to it. As long as a node is out of sight, the canvas has
 * asked for nothing, and no time is used up.
 */
function askAgain(node, earlier = node.imgs, times = TIMES) {
  setTimeout(() => {
    const asked = node.images;
    const isWhole = asked && node.imgs !== earlier && node.imgs?.length === asked.length;
    if (isWhole || !node.graph || !times) return;
    node.images = undefined;
    node.setDirtyCanvas(true);
    askAgain(node, earlier, asked ? times - 1 : times);
  }, PATIENCE);
}

app.registerExtension({
  name: "hyponet.answers",

  setup() {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("../answers.css", import.meta.url).href;
    document.head.append(style);
    api.addEventListener("execution_start", () => {
      for (const [node] of ourNodes()) takeProgress(node);
    });
  },

  nodeCreated(node) {
    if (!isOurs(node)) return;
    takeProgress(node);
    if (node.constructor.nodeData?.output_node) boxOf(node); // others answer now and then, and get theirs then
    watchEachClass(node);
    const onExecuted = node.onExecuted;
    node.onExecuted = function (output) {
      onExecuted?.call(this, output);
      const answer = answerOf(output);
      if (!answer) return;
      if (output.images) {
        dropPreview(this);
        if (!window.LiteGraph.vueNodesMode) askAgain(this);
      }
      output[EVENT] = Symbol("executed");
      queueMicrotask(() => {
        // when all who listen to the event have heard it
        if (isOfAnotherTab(output)) return;
        show(this, answer);
        for (const [found, key] of ourNodes()) if (found === this) keep(key, answer);
      });
    };
  },

  afterConfigureGraph() {
    refresh(app.nodeOutputs);
  },

  onNodeOutputsUpdated(outputs) {
    refresh(outputs);
  },
});
