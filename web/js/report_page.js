/**
 * A report over the page. The server hands HTML out as a download only, so its text comes by /view and is shown in a
 * frame that runs no script and belongs to no host, whatever is written in it.
 */
import { api } from "../../../scripts/api.js";
import { translated } from "./language.js";

/**
 * The elements of a node's answer that open a file: a report opens over the page, and can be downloaded.
 * @param {{filename: string, subfolder: string, type: string}} file
 * @returns {HTMLElement[]}
 */
export function links(file) {
  const address = `/view?${new URLSearchParams(file)}`;
  const link = document.createElement("a");
  link.href = api.apiURL(address);
  link.textContent = translated("Open {file}", { file: file.filename });
  link.target = "_blank";
  link.rel = "noopener";
  if (!file.filename.endsWith(".html")) return [link];
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = link.textContent;
  link.textContent = translated("Download");
  link.download = file.filename;
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    status.textContent = "";
    let text = null;
    try {
      const response = await api.fetchApi(address);
      if (response.ok) text = await response.text();
      else {
        const gone = translated("is not there any more ({status}); run this node again", { status: response.status });
        status.textContent = ` ${gone}`;
      }
    } catch {
      status.textContent = ` ${translated("did not come: the server does not answer")}`;
    }
    if (text !== null) show(file.filename, text);
  });
  return [button, status, link];
}

function show(name, text) {
  const dialog = document.createElement("dialog");
  dialog.className = "hyponet-report";
  dialog.setAttribute("aria-label", name);
  const frame = document.createElement("iframe");
  frame.title = name;
  frame.setAttribute("sandbox", "");
  frame.srcdoc = text;
  const form = document.createElement("form");
  form.method = "dialog";
  const close = document.createElement("button");
  close.textContent = translated("Close (Esc)");
  form.append(close);
  dialog.append(form, frame);
  dialog.addEventListener("keydown", (event) => event.stopPropagation()); // behind it, the page has uses of its own
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
