"""Makes `hyponet-small`, a text-to-image model of 23 million parameters that ComfyUI loads as Stable Diffusion 1.x.

Reads pictures in class folders and ComfyUI's own model classes; writes a state that training goes on from, a curve,
contact sheets and single-file checkpoints. Commands: `python -m tools.small_model --help`, or the README beside this.
"""
