"""Captions in the running ComfyUI: templates, or BLIP on its device."""
