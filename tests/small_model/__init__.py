"""Tests of tools/small_model; those that need ComfyUI's classes read its folder from HYPONET_COMFYUI."""
