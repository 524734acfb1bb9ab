"""A pack of the suite's own servers, copied into their custom_nodes: a browser with the cookie `page=newest` gets the
newest frontend from the server that gives all others the pinned one, and previews are switched without a restart."""

from __future__ import annotations

import json
import os
from pathlib import Path

import latent_preview
from aiohttp import web
from comfy.cli_args import LatentPreviewMethod, args
from server import PromptServer

NODE_CLASS_MAPPINGS: dict[str, type] = {}
FRONTEND = Path(os.environ.get("HYPONET_FRONTEND") or "not set up")
OWN = "/extensions/core/"  # the frontend's own extensions, in the list of all


@web.middleware
async def newest(request: web.Request, handler):
    """The files of the newest frontend for the browsers that ask for it; everything else as it is."""
    if request.cookies.get("page") != "newest" or request.method != "GET":
        return await handler(request)
    if request.path in ("/extensions", "/api/extensions"):
        listed = json.loads((await handler(request)).body)
        own = [f"/{file.relative_to(FRONTEND).as_posix()}" for file in FRONTEND.glob("extensions/**/*.js")]
        return web.json_response(own + [name for name in listed if not name.startswith(OWN)])
    file = FRONTEND / (request.path.lstrip("/") or "index.html")
    return web.FileResponse(file) if file.is_file() else await handler(request)


@PromptServer.instance.routes.post("/test_previews/{method}")
async def set_previews(request: web.Request) -> web.Response:
    """From now on as with the option `--preview-method`."""
    method = LatentPreviewMethod(request.match_info["method"])
    args.preview_method = latent_preview.default_preview_method = method
    return web.Response()


PromptServer.instance.app.middlewares.append(newest)
