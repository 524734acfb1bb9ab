"""LoRA training on sample pictures, as in Table 5-5 of the thesis."""
