"""Data sources, ResNet training, metrics and reports. Runs from plain Python; imports no ComfyUI."""
