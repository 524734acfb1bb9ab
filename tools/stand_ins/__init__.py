"""Writes small random-weight models in the real single-file formats, which ComfyUI's own loaders detect.

    python -m tools.stand_ins MODELS_DIR COMFYUI_DIR

Text encoders keep their full fixed shape, because a missing key would leave memory uninitialised. To stay small, only
their first and last layers are random; the others are zero, which is the identity in a residual transformer, and zero
tensors become holes in sparse .safetensors files, or views of one number in .ckpt files. Everything is seeded.

    checkpoints/tiny_sd15.ckpt               SD 1.5, UNet channel multipliers 1, 2
    checkpoints/tiny_sd15_freeu.safetensors  SD 1.5, multipliers 1, 2, 4: all four FreeU scales act
    checkpoints/tiny_sdxl.ckpt               SDXL (detected as Segmind Vega, a subclass)
    checkpoints/tiny_sdxl_refiner.safetensors
    loras/tiny_sd15_lora.safetensors, loras/tiny_sdxl_lora.safetensors       kohya's key names
    upscale_models/tiny_RealESRGAN_x4.pth, vae/tiny_vae.safetensors (TAESD shape)
    diffusion_models, text_encoders, vae: today's families, see families.py
    classifiers/tf_efficientnet_lite0.safetensors                            real weights, from a registry package
"""
