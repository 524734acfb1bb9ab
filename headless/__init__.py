"""Runs workflow files on any ComfyUI by URL; standard library only. Left out of the published archive."""
