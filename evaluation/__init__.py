"""Data sources, ResNet training, metrics and reports. Knows nothing of ComfyUI; runs from plain Python."""
